// Sessions beside this one: of the same user before and after, and the other tabs of the same visit.

import { For, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { countText } from "../../derive/number";
import { applicationText, endText, userText, whereText } from "../../derive/session_text";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { LIST_STATE_DEFAULT, listUrl, sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createDelayed } from "../../state/refresh";
import { createRelatedPart, userFilter, type RelatedPart } from "../../state/session/related";
import { RowKymogram } from "../kymogram/row_kymogram";
import { Failure } from "../parts/failure";
import { SessionLength } from "../sessions/session_row";

const LIFE_WIDTH = 220;

export function RelatedTab(props: { session: Session }): JSX.Element {
  const app = useApp();
  const id = () => props.session.id;
  const user_filter = () => userFilter(props.session);
  const of_user = createRelatedPart(app, id, () => {
    const filter = user_filter();
    return filter ? { project: props.session.project, filter, sort: "-started" } : null;
  });
  const of_visit = createRelatedPart(app, id, () =>
    props.session.visit_id ? { project: props.session.project, visit: props.session.visit_id, sort: "started" } : null,
  );
  const list_url = () => listUrl({ ...LIST_STATE_DEFAULT, project: props.session.project, range: "all", filter: user_filter() ?? "" });
  const nothing = () => user_filter() === null && props.session.visit_id === null;
  return (
    <div class="tab-body related-tab" id="tab-panel" role="tabpanel" aria-labelledby="tab-related" tabindex="0" data-keys="own">
      <Show when={nothing()}>
        <p class="empty quiet">This session names no user and is not part of a visit, so that nothing is known to belong to it.</p>
      </Show>
      <Show when={props.session.visit_id}>
        <Part title="Other tabs of this visit" empty="No other tab was open in this visit." part={of_visit} />
      </Show>
      <Show when={props.session.user}>
        {(user) => (
          <Part title={`Other sessions of ${userText(user())}`} empty="This is the only session of this user." part={of_user} list_url={list_url()} />
        )}
      </Show>
    </div>
  );
}

interface PartProps {
  title: string;
  empty: string;
  part: RelatedPart;
  list_url?: string;
}

function Part(props: PartProps): JSX.Element {
  const waiting = createDelayed(() => props.part.sessions() === null && props.part.failure() === null);
  return (
    <section class="related-part" aria-label={props.title}>
      <div class="related-head">
        <h2>{props.title}</h2>
        <Show when={props.list_url}>{(url) => <a href={url()}>All of them{props.part.has_more() ? ", also older ones" : ""}</a>}</Show>
      </div>
      <Show when={props.part.failure()}>
        {(detail) => <Failure what="These sessions could not be read." detail={detail()} onRetry={props.part.retry} />}
      </Show>
      <Show when={waiting()}><p class="quiet" aria-busy="true">Reading…</p></Show>
      <Show when={props.part.sessions()?.length === 0}><p class="quiet">{props.empty}</p></Show>
      <Show when={(props.part.sessions()?.length ?? 0) > 0}>
        <div class="table-scroll" tabindex="0" role="group" aria-label={props.title}>
          <table class="related-table">
            <thead>
              <tr>
                <th scope="col">Started</th><th scope="col">Application</th><th scope="col" class="number">Length</th><th scope="col">Life</th>
                <th scope="col" class="number">Events</th><th scope="col" class="number">Errors</th><th scope="col">Where</th>
              </tr>
            </thead>
            <tbody><For each={props.part.sessions()}>{(session) => <Row session={session} />}</For></tbody>
          </table>
        </div>
      </Show>
    </section>
  );
}

function Row(props: { session: Session }): JSX.Element {
  const app = useApp();
  const started_ms = () => parseTime(props.session.started_at);
  return (
    <tr>
      <td>
        <a href={sessionUrl({ id: props.session.id })} title={absoluteText(started_ms(), app.settings.zone.value(), true)}>
          {relativeText(started_ms(), app.now_ms(), app.settings.zone.value())}
        </a>
      </td>
      <td>{applicationText(props.session)}</td>
      <td class="number"><SessionLength session={props.session} /></td>
      <td title={endText(props.session)}><span class="related-life"><RowKymogram session={props.session} width={LIFE_WIDTH} /></span></td>
      <td class="number">{countText(props.session.event_count)}</td>
      <td class="number">
        <Show when={props.session.error_count > 0} fallback={<span class="quiet" aria-label="none">·</span>}>
          <span class="error-count">{countText(props.session.error_count)}</span>
        </Show>
      </td>
      <td class="quiet">{whereText(props.session)}</td>
    </tr>
  );
}
