// What is known of an event in a few words, each of which the list can be filtered by.

import { Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../../api/types";
import { termOf } from "../../../derive/events/filter_terms";
import { kindText, userText } from "../../../derive/session_text";
import { severityName } from "../../../derive/severity";
import { absoluteText, offsetText, parseTime } from "../../../derive/time";
import { LIST_STATE_DEFAULT, listUrl } from "../../../derive/url_state";
import { useApp } from "../../../state/app";
import { SeverityMark } from "../../parts/severity_mark";
import { ValueActions } from "./filter_actions";

/** Several events may have it, in one session or in several. */
function referenceUrl(id: string): string {
  return listUrl({ ...LIST_STATE_DEFAULT, range: "all", filter: termOf("reference", id) });
}

export function EventFacts(props: { event: SessionEvent; session: Session | null }): JSX.Element {
  const app = useApp();
  const event = () => props.event;
  const time_ms = () => parseTime(event().time);
  const offset = () => (props.session ? offsetText(time_ms() - parseTime(props.session.started_at)) : "");
  return (
    <dl class="event-facts">
      <dt>Severity</dt>
      <dd>
        <SeverityMark level={event().severity} /> {severityName(event().severity)}
        <ValueActions term={termOf("level", event().severity)} what={`severity ${severityName(event().severity)}`} />
      </dd>
      <dt>Time</dt>
      <dd>{absoluteText(time_ms(), app.settings.zone.value(), true)} <span class="quiet">{offset()}</span></dd>
      <Show when={event().category}>
        {(category) => <><dt>Category</dt><dd>{category()}<ValueActions term={termOf("category", category())} what={`category ${category()}`} copy={category()} /></dd></>}
      </Show>
      <Show when={event().user}>
        {(user) => (
          <>
            <dt>User</dt>
            <dd title={user().id ?? undefined}>
              {userText(user())}
              <ValueActions term={user().id ? termOf("user.id", user().id ?? "") : termOf("user.name", user().name ?? "")} what={`user ${userText(user())}`} copy={user().id ?? userText(user())} />
            </dd>
          </>
        )}
      </Show>
      <dt>Kind</dt>
      <dd>
        {kindText(event().kind)} <span class="quiet">no. {event().sequence}</span>
        <ValueActions term={termOf("kind", event().kind)} what={`kind ${event().kind}`} />
      </dd>
      <Show when={event().reference_id}>
        {(id) => <><dt>Reference</dt><dd><a class="mono" href={referenceUrl(id())} title="Sessions with an event of this reference">{id()}</a><ValueActions term={termOf("reference", id())} what={`reference ${id()}`} copy={id()} /></dd></>}
      </Show>
    </dl>
  );
}
