// What went wrong in the session: each kind of error once, with its first words and when it happened; a click opens one.

import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../api/types";
import { errorGroups, type ErrorGroup } from "../../derive/events/error_groups";
import { termOf } from "../../derive/events/filter_terms";
import { countedText, countText } from "../../derive/number";
import { eventText } from "../../derive/session_text";
import { absoluteText, clockText, offsetText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import { createDelayed } from "../../state/refresh";
import type { SessionErrors } from "../../state/session/session_errors";
import { Failure } from "../parts/failure";
import { SeverityMark } from "../parts/severity_mark";

export interface ErrorsTabProps {
  errors: SessionErrors;
  session: Session | null;
  onOpen: (event: SessionEvent) => void;
  /** Shows all of them in the list of events. */
  onAll: () => void;
  /** Shows those that fit there. */
  onFilter: (term: string) => void;
}

/** Of one kind at first, and when all are wanted; what is beyond is in the list of events. */
const SHOWN_FIRST = 24;
const SHOWN_MAX = 500;

export function ErrorsTab(props: ErrorsTabProps): JSX.Element {
  const { errors } = props;
  const groups = createMemo(() => errorGroups(errors.events() ?? []));
  const waiting = createDelayed(() => errors.events() === null && errors.failure() === null);
  const left_out = () => errors.total() - (errors.events()?.length ?? 0);
  return (
    <div class="tab-body errors-tab" id="tab-panel" role="tabpanel" aria-labelledby="tab-errors" tabindex="0" data-keys="own">
      <Show when={errors.failure()}>
        {(detail) => <Failure what="The errors could not be read." detail={detail()} onRetry={errors.retry} />}
      </Show>
      <Show when={waiting()}><p class="quiet" aria-busy="true">Reading the errors…</p></Show>
      <Show when={errors.events()?.length === 0}>
        <p class="empty quiet">No error in this session.</p>
      </Show>
      <Show when={groups().length > 0}>
        <p class="quiet">
          <Show when={left_out() > 0} fallback={<>{countedText(errors.total(), "error")} of {countedText(groups().length, "kind")}</>}>
            Only the first {countText(errors.events()?.length ?? 0)} of {countedText(errors.total(), "error")} are looked at here, {countedText(groups().length, "kind")} among
            them: all counts below are of these. <button type="button" class="link-button" onClick={props.onAll}>All errors, in the list of events</button>
          </Show>
        </p>
      </Show>
      <For each={groups()}>{(group) => <Group {...props} group={group} />}</For>
    </div>
  );
}

function Group(props: ErrorsTabProps & { group: ErrorGroup }): JSX.Element {
  const first = () => props.group.events[0];
  return (
    <section class="error-group" aria-label={props.group.type}>
      <div class="error-group-head">
        <SeverityMark level={props.group.worst} />
        <h2 class="exception-type">{props.group.type}</h2>
        <span class="error-count">× {countText(props.group.events.length)}</span>
        <Show when={first()?.exception?.type}>
          {(type) => (
            <button type="button" class="link-button" onClick={() => props.onFilter(termOf("exception.type", type()))}>In the events</button>
          )}
        </Show>
      </div>
      <p class="error-message">
        <button type="button" class="link-button" title="Open the first one" onClick={() => first() && props.onOpen(first() as SessionEvent)}>{props.group.message}</button>
      </p>
      <Show when={props.group.place}>{(place) => <p class="quiet mono error-place">{place()}</p>}</Show>
      <Occurrences {...props} />
    </section>
  );
}

function Occurrences(props: ErrorsTabProps & { group: ErrorGroup }): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const time = (event: SessionEvent) =>
    app.settings.event_time.value() === "clock" || !props.session
      ? clockText(parseTime(event.time), zone(), true)
      : offsetText(parseTime(event.time) - parseTime(props.session.started_at));
  const [shown_max, setShownMax] = createSignal(SHOWN_FIRST);
  const left_out = () => props.group.events.length - shown_max();
  return (
    <ul class="occurrences">
      <For each={props.group.events.slice(0, shown_max())}>
        {(event) => (
          <li>
            <button
              type="button"
              class="link-button mono"
              aria-label={`Open: ${eventText(event)}, ${time(event)}`}
              title={absoluteText(parseTime(event.time), zone(), true)}
              onClick={() => props.onOpen(event)}
            >
              {time(event)}
            </button>
          </li>
        )}
      </For>
      <Show when={left_out() > 0}>
        <li class="quiet">
          <Show when={shown_max() < SHOWN_MAX} fallback={<>and {countText(left_out())} more</>}>
            <button type="button" class="link-button" onClick={() => setShownMax(SHOWN_MAX)}>{countText(left_out())} more</button>
          </Show>
        </li>
      </Show>
    </ul>
  );
}
