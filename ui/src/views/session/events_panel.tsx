// The list of events beside the details of the one that is selected.

import { createEffect, createMemo, createSignal, on, onCleanup, Show, type JSX } from "solid-js";
import { failureText } from "../../api/client";
import { eventOf } from "../../derive/events/event_rows";
import { countedText } from "../../derive/number";
import { useApp } from "../../state/app";
import { EventDetails } from "./details/event_details";
import { EventTable, type EventTableHandle } from "./event_table";
import type { SessionPageProps } from "./session";

const NO_FILTER = { filter: "", severity: null, errors: false, from_ms: null, to_ms: null };

export function EventsPanel(props: SessionPageProps): JSX.Element {
  const app = useApp();
  const { source, events, selection, live } = props;
  // Where the list is not shown nobody reads in it.
  onCleanup(() => live.tail.setAtEnd(true));
  let table: EventTableHandle | undefined;
  const [hidden_sequence, setHiddenSequence] = createSignal<number | null>(null);
  const is_filtered = () => {
    const { filter, severity, errors, from_ms } = props.filter;
    return filter !== "" || severity !== null || errors || from_ms !== null;
  };
  const listed = createMemo(() => props.state.event !== null && eventOf(events.pages(), props.state.event) !== null);
  // Wherever the selection came from, its row is brought into sight, and what lies around it is read.
  createEffect(on([() => props.state.event, () => props.filter], async ([sequence, filter], before) => {
    setHiddenSequence(null);
    if (sequence === null) return;
    if (before?.[1] === filter && listed() && events.ready()) return table?.reveal(0, sequence);
    try {
      const place = await events.locate(sequence);
      if (props.state.event !== sequence || props.filter !== filter || !place) return;
      if (!place.is_listed) setHiddenSequence(sequence);
      table?.reveal(place.index, sequence);
    } catch (cause) {
      // The list tells its own failures; that its place is not found is worth a word only where nothing else fails.
      if (events.failure() === null && props.state.event === sequence && !(cause instanceof DOMException)) app.notify(failureText(cause));
    }
  }));
  createEffect(on(() => props.state.follow, (follow) => follow && table?.toBottom(), { defer: true }));
  return (
    <div class="split" id="tab-panel" role="tabpanel" aria-labelledby="tab-events" classList={{ "has-selection": props.state.event !== null }}>
      <div class="events-side">
        <EventTable
          events={events}
          session={source.session()}
          selected={props.state.event}
          is_filtered={is_filtered()}
          noun={props.state.errors ? "error" : "event"}
          is_failure_told={source.failure() !== null}
          filter={props.state.filter}
          follow={props.state.follow && !props.paused}
          grouped={props.state.grouped}
          onSelect={(event) => props.change({ event: event.sequence, follow: false }, true)}
          is_live={live.tail.is_joined()}
          onAtEnd={live.tail.setAtEnd}
          onLeaveEnd={() => props.change({ follow: false }, true)}
          onClearFilter={() => props.change(NO_FILTER)}
          handle={(handle) => (table = handle)}
        />
        <Show when={props.paused}><PausedNote {...props} /></Show>
      </div>
      <EventDetails
        selection={selection}
        sequence={props.state.event}
        is_hidden={hidden_sequence() === props.state.event && props.state.event !== null}
        session={source.session()}
        onClose={() => props.change({ event: null }, true)}
        onClearFilter={() => props.change(NO_FILTER)}
      />
    </div>
  );
}

/** What has come for the session meanwhile: of what is live that which matches, else all that was stored. */
function PausedNote(props: SessionPageProps): JSX.Element {
  const { source, live } = props;
  const stored = () => source.session()?.event_count ?? 0;
  const at_first = stored();
  const count = () => (live.tail.is_joined() ? live.tail.waiting_count() : stored() - at_first);
  const came = () => {
    if (live.tail.is_held()) return `, more than ${countedText(count(), "event")} came since`;
    return count() > 0 ? `, ${countedText(count(), "event")} came since` : "";
  };
  return (
    <button type="button" class="pill bottom paused-note" title="Go on (space)" onClick={() => props.setPaused(false)}>
      Paused{came()}. Go on
    </button>
  );
}
