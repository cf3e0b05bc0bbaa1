// The events of a session, one line each. At the end of a running session it follows; elsewhere it stands still and counts.

import { createEffect, createMemo, createSignal, on, Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../api/types";
import { countedText } from "../../derive/number";
import { categoryText, eventText, userText } from "../../derive/session_text";
import { absoluteText, clockText, offsetText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import type { EventList } from "../../state/event_list";
import { createDelayed } from "../../state/refresh";
import { Failure } from "../parts/failure";
import { MarkedText } from "../parts/marked_text";
import { SeverityMark } from "../parts/severity_mark";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";

export interface EventTableHandle {
  reveal(index: number): void;
}

export interface EventTableProps {
  events: EventList;
  session: Session | null;
  selected: SessionEvent | null;
  is_filtered: boolean;
  /** What the list holds. */
  noun: "event" | "error";
  /** The page already says that the server does not answer. */
  is_failure_told: boolean;
  /** What is looked for, to mark it. */
  text: string;
  onSelect: (event: SessionEvent) => void;
  onClearFilter: () => void;
  handle: (handle: EventTableHandle) => void;
}

export function EventTable(props: EventTableProps): JSX.Element {
  const app = useApp();
  const { rows, total, need } = props.events;
  const [view, setView] = createSignal<GridView>({ first: 0, last: 0, at_top: true, at_bottom: false });
  let grid!: GridHandle;
  const waiting = createDelayed(() => !props.events.ready() && props.events.failure() === null);
  const selected_index = createMemo(() => {
    const sequence = props.selected?.sequence;
    return sequence === undefined ? -1 : rows().findIndex((event) => event.sequence === sequence);
  });
  const new_count = createFollowing(props, view, () => grid);

  const move = (by: number) => {
    const from = selected_index() >= 0 ? selected_index() : view().first - Math.max(by, 0);
    const index = Math.min(Math.max(from + by, 0), total() - 1);
    const event = rows()[index];
    if (!event) return need(index);
    props.onSelect(event);
    grid.reveal(index);
  };
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => document.getElementById("event-details")?.focus(),
  });

  const onView = (next: GridView) => {
    setView(next);
    need(Math.min(next.last + 100, total() - 1));
  };

  return (
    <div class="table-frame events-frame" aria-busy={!props.events.ready()} classList={{ waiting: waiting() && rows().length > 0 }}>
      <Show when={!props.is_failure_told && props.events.failure()}>
        {(detail) => <Failure what="The events could not be read." detail={detail()} onRetry={props.events.retry} />}
      </Show>
      <VirtualGrid
        label="Events"
        name="event"
        count={total()}
        column_count={4}
        active_index={selected_index()}
        head={<EventHead />}
        row={(index) => (
          <Show when={rows()[index()]} fallback={<EventPlaceholder />}>
            {(event) => <EventRow event={event()} before={rows()[index() - 1]} session={props.session} text={props.text} />}
          </Show>
        )}
        rowClass={(index) => `severity-${rows()[index]?.severity ?? "none"}`}
        onRowClick={(index) => {
          const event = rows()[index];
          if (event && getSelection()?.isCollapsed !== false) props.onSelect(event);
        }}
        onView={onView}
        handle={(handle) => {
          grid = handle;
          props.handle(handle);
        }}
      />
      <Show when={!props.events.ready() && rows().length === 0 && waiting()}>
        <div class="skeleton-rows" aria-hidden="true" />
      </Show>
      <Show when={props.events.ready() && total() === 0}>
        <div class="no-match">
          <p>{props.is_filtered ? `No ${props.noun} of this session matches.` : "No event has been stored yet."}</p>
          <Show when={props.is_filtered}>
            <button type="button" class="button" onClick={() => props.onClearFilter()}>Clear the filter</button>
          </Show>
        </div>
      </Show>
      <Show when={new_count() > 0}>
        <button type="button" class="pill bottom" onClick={() => grid.toBottom()}>{countedText(new_count(), `new ${props.noun}`)}</button>
      </Show>
    </div>
  );
}

/** Keeps to the end when it is in sight, else counts what came; keeps the place when rows come in above. */
function createFollowing(props: EventTableProps, view: () => GridView, grid: () => GridHandle): () => number {
  const { rows, total, ready } = props.events;
  const [seen, setSeen] = createSignal(0);
  const is_live = () => props.session !== null && props.session.state !== "ended";
  createEffect(on([total, ready], ([now], before) => {
    const [then, was_ready] = before ?? [0, false];
    // A new filter is a new list: nothing in it is "new".
    if (!ready() || !was_ready || now <= then) return void setSeen(now);
    if (!view().at_bottom) return;
    setSeen(now);
    if (is_live()) requestAnimationFrame(() => grid().toBottom());
  }));
  createEffect(() => {
    if (view().at_bottom) setSeen(total());
  });
  createEffect(on(rows, (now, before) => {
    const anchor = before?.[view().first];
    if (!anchor || !ready() || now[view().first]?.sequence === anchor.sequence) return;
    const index = now.findIndex((event) => event.sequence === anchor.sequence);
    if (index >= 0) grid().shift(index - view().first);
  }));
  return () => Math.max(0, total() - seen());
}

function EventHead(): JSX.Element {
  return (
    <>
      <div role="columnheader" aria-colindex="1" class="cell cell-time">Time</div>
      <div role="columnheader" aria-colindex="2" class="cell cell-severity"><span class="off-screen">Severity</span></div>
      <div role="columnheader" aria-colindex="3" class="cell cell-category">Category</div>
      <div role="columnheader" aria-colindex="4" class="cell cell-text">Message</div>
    </>
  );
}

function EventPlaceholder(): JSX.Element {
  return <div role="gridcell" aria-colindex="1" class="cell quiet">…</div>;
}

function EventRow(props: { event: SessionEvent; before: SessionEvent | undefined; session: Session | null; text: string }): JSX.Element {
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
      <div role="gridcell" aria-colindex="4" class="cell cell-text">
        <Show when={changed_user()}>{(user) => <span class="user-change">{userText(user())}</span>}</Show>
        <MarkedText text={eventText(event())} mark={props.text} />
      </div>
    </>
  );
}
