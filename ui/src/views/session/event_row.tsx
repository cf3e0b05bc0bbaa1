// One line of the list of events, and the row of names above.

import { Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../api/types";
import type { EventRow as Row } from "../../derive/events/event_rows";
import type { TailGap } from "../../derive/events/tail";
import { gapText } from "../../derive/live/live_texts";
import { countText } from "../../derive/number";
import { categoryText, eventText, userText } from "../../derive/session_text";
import { absoluteText, clockText, durationWords, offsetText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import { MarkedText } from "../parts/marked_text";
import { SeverityMark } from "../parts/severity_mark";

export function EventHead(): JSX.Element {
  return (
    <>
      <div role="columnheader" aria-colindex="1" class="cell cell-time">Time</div>
      <div role="columnheader" aria-colindex="2" class="cell cell-severity"><span class="off-screen">Severity</span></div>
      <div role="columnheader" aria-colindex="3" class="cell cell-category">Category</div>
      <div role="columnheader" aria-colindex="4" class="cell cell-text">Message</div>
    </>
  );
}

export function EventPlaceholder(): JSX.Element {
  return <div role="gridcell" aria-colindex="1" class="cell quiet">…</div>;
}

/** Where events are missing that came live. */
export function GapRow(props: { gap: TailGap }): JSX.Element {
  return <div role="gridcell" aria-colindex="1" aria-colspan="4" class="cell cell-gap" title={gapText(props.gap)}>{gapText(props.gap)}</div>;
}

export interface EventRowProps {
  row: Row;
  event: SessionEvent;
  before: SessionEvent | null;
  session: Session | null;
  marks: RegExp | null;
  onToggle: () => void;
}

export function EventRow(props: EventRowProps): JSX.Element {
  const app = useApp();
  const event = () => props.event;
  const time_ms = () => parseTime(event().time);
  const time = () =>
    app.settings.event_time.value() === "clock" || !props.session
      ? clockText(time_ms(), app.settings.zone.value(), true)
      : offsetText(time_ms() - parseTime(props.session.started_at));
  const category = () => categoryText(event());
  const changed_user = () => {
    const user = event().user;
    return props.before && user && user.id !== props.before.user?.id ? user : null;
  };
  return (
    <>
      <div role="gridcell" aria-colindex="1" class="cell cell-time" title={absoluteText(time_ms(), app.settings.zone.value(), true)}>{time()}</div>
      <div role="gridcell" aria-colindex="2" class="cell cell-severity"><SeverityMark level={event().severity} /></div>
      <div role="gridcell" aria-colindex="3" class="cell cell-category" classList={{ "is-kind": category().is_kind }} title={category().text}>
        {category().text}
      </div>
      <div role="gridcell" aria-colindex="4" class="cell cell-text" classList={{ "is-member": props.row.is_member }}>
        <Show when={changed_user()}>{(user) => <span class="user-change">{userText(user())}</span>}</Show>
        <span class="line"><MarkedText text={eventText(event())} mark={props.marks} /></span>
        <Show when={props.row.run}>
          {(run) => (
            <button
              type="button"
              class="run"
              tabindex="-1"
              aria-expanded={run().is_open}
              aria-label={`${countText(run().count)} times the same, ${run().is_open ? "close" : "open"}`}
              title={`${countText(run().count)} times the same within ${durationWords(Math.max(0, parseTime(run().last.time) - time_ms()) / 1000)}`}
              onClick={(click) => {
                click.stopPropagation();
                props.onToggle();
              }}
            >
              × {countText(run().count)}
            </button>
          )}
        </Show>
      </div>
    </>
  );
}
