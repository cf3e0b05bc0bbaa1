// The events of a session, one line each. At the end of a running session it follows; elsewhere it stands still and counts.

import { createEffect, createMemo, createSignal, on, Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../api/types";
import { countOf, eventRows, toggledRun, type EventRows } from "../../derive/events/event_rows";
import type { TailGap } from "../../derive/events/tail";
import { filterMarks } from "../../derive/events/filter_marks";
import { countedText } from "../../derive/number";
import { useApp } from "../../state/app";
import type { EventList } from "../../state/session/event_list";
import { createDelayed } from "../../state/refresh";
import { Failure } from "../parts/failure";
import { ROW_HEIGHT, VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { EventHead, EventPlaceholder, EventRow, GapRow } from "./event_row";

export interface EventTableHandle {
  /** Brings the event into sight, at once or when it has been read; `index`: its place among those that match. */
  reveal(index: number, sequence: number): void;
  toBottom(): void;
}

export interface EventTableProps {
  events: EventList;
  session: Session | null;
  /** Sequence of the selected event. */
  selected: number | null;
  is_filtered: boolean;
  /** What the list holds. */
  noun: "event" | "error";
  /** The page already says that the server does not answer. */
  is_failure_told: boolean;
  /** What is looked for, to mark it. */
  filter: string;
  /** Stays at the end. */
  follow: boolean;
  /** Identical neighbours are one row. */
  grouped: boolean;
  /** Its end comes live. */
  is_live: boolean;
  onAtEnd: (at_end: boolean) => void;
  onSelect: (event: SessionEvent) => void;
  onLeaveEnd: () => void;
  onClearFilter: () => void;
  handle: (handle: EventTableHandle) => void;
}

/** Read ahead of what is in sight, in rows. */
const AHEAD = 100;

export function EventTable(props: EventTableProps): JSX.Element {
  const { events } = props;
  const [view, setView] = createSignal<GridView>({ first: 0, last: 0, at_top: true, at_bottom: false, top: 0 });
  const [opened, setOpened] = createSignal<ReadonlySet<number>>(new Set());
  const [grid, setGrid] = createSignal<GridHandle | null>(null);
  // Of its own, so that not every change of the address makes the rows anew.
  const grouped = createMemo(() => props.grouped);
  const rows = createMemo(() => eventRows(events.pages(), opened(), grouped()));
  const marks = createMemo(() => filterMarks(props.filter));
  const waiting = createDelayed(() => !events.ready() && events.failure() === null);
  const selected_row = createMemo(() => {
    const index = props.selected === null ? -1 : rows().indexOf(props.selected);
    return index < 0 ? -1 : rows().rowOf(index);
  });
  const place = createPlace({ props, rows, view, grid, setOpened });
  const new_count = createNewCount(props, view);

  const toggle = (row: number) => setOpened((now) => toggledRun(rows(), row, now));
  bindKeys({ props, rows, view, grid, selected_row, toggle });

  const onView = (seen: GridView) => {
    const before = view();
    // Where nobody scrolled, the list grew: who was at its end is, until it is looked after by whoever keeps the place.
    const next = { ...seen, at_bottom: seen.at_bottom || (before.at_bottom && seen.top === before.top && seen.top > 0) };
    const is_left = props.follow && before.at_bottom && !next.at_bottom && next.top < before.top - 1 && !place.isMoving();
    setView(next);
    props.onAtEnd(next.at_bottom);
    if (is_left) props.onLeaveEnd();
    if (!events.ready()) return;
    const first = rows().at(Math.min(next.first, rows().count - 1))?.index ?? 0;
    const last = rows().at(Math.min(next.last + AHEAD, rows().count - 1))?.index ?? first;
    events.show(first, last);
  };

  return (
    <div class="table-frame events-frame" aria-busy={!events.ready()} classList={{ waiting: waiting() && rows().count > 0 }}>
      <ListFailure {...props} />
      <VirtualGrid
        label="Events"
        name="event"
        count={rows().count}
        column_count={4}
        active_index={selected_row()}
        head={<EventHead />}
        row={(index) => (
          <Show when={rows().at(index())?.event} fallback={<NoEvent gap={rows().at(index())?.gap} />}>
            {(event) => (
              <EventRow
                row={rows().at(index()) ?? { index: 0, event: null, run: null, is_member: false }}
                event={event()}
                before={rows().event((rows().at(index())?.index ?? 0) - 1)}
                session={props.session}
                marks={marks()}
                onToggle={() => toggle(index())}
              />
            )}
          </Show>
        )}
        rowClass={(index) => (rows().at(index)?.gap ? "gap-row" : `severity-${rows().at(index)?.event?.severity ?? "none"}`)}
        onRowClick={(index) => {
          const event = rows().at(index)?.event;
          if (event && getSelection()?.isCollapsed !== false) props.onSelect(event);
        }}
        onView={onView}
        handle={(handle) => {
          setGrid(handle);
          props.handle({ reveal: place.reveal, toBottom: handle.toBottom });
        }}
      />
      <Show when={!events.ready() && rows().count === 0 && waiting()}>
        <div class="skeleton-rows" aria-hidden="true" />
      </Show>
      <Show when={events.ready() && rows().count === 0}>
        <NothingThere {...props} />
      </Show>
      <Show when={new_count() > 0}>
        <button type="button" class="pill bottom" onClick={() => grid()?.toBottom()}>{countedText(new_count(), `new ${props.noun}`)}</button>
      </Show>
    </div>
  );
}

function NoEvent(props: { gap: TailGap | undefined }): JSX.Element {
  return <Show when={props.gap} fallback={<EventPlaceholder />}>{(gap) => <GapRow gap={gap()} />}</Show>;
}

interface KeySource {
  props: EventTableProps;
  rows: () => EventRows;
  view: () => GridView;
  grid: () => GridHandle | null;
  selected_row: () => number;
  toggle: (row: number) => void;
}

function bindKeys({ props, rows, view, grid, selected_row, toggle }: KeySource): void {
  const move = (by: number) => {
    const from = selected_row() >= 0 ? selected_row() : view().first - Math.max(by, 0);
    let row = Math.min(Math.max(from + by, 0), rows().count - 1);
    // What is missing cannot be read: it is stepped over.
    while (rows().at(row)?.gap && rows().at(row + by)) row += by;
    const event = rows().at(row)?.event;
    grid()?.reveal(row);
    if (event) props.onSelect(event);
  };
  const setOpen = (is_open: boolean) => {
    const run = rows().at(selected_row())?.run;
    if (run && run.is_open !== is_open) toggle(selected_row());
  };
  useApp().keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    ArrowRight: () => setOpen(true), ArrowLeft: () => setOpen(false),
    Home: () => grid()?.toTop(), End: () => grid()?.toBottom(),
    Enter: () => document.getElementById("event-details")?.focus(),
  });
}

function ListFailure(props: EventTableProps): JSX.Element {
  const { events } = props;
  return (
    <Show when={!props.is_failure_told && events.failure()}>
      {(detail) => (
        <Show
          when={events.wrong_filter()}
          fallback={<Failure what="The events could not be read." detail={detail()} onRetry={events.retry} />}
        >
          {(wrong) => (
            <div class="failure" role="alert">
              <span class="failure-text"><strong>The filter is not understood.</strong> {wrong()}</span>
              <button type="button" class="button small" onClick={() => props.onClearFilter()}>Clear the filter</button>
            </div>
          )}
        </Show>
      )}
    </Show>
  );
}

function NothingThere(props: EventTableProps): JSX.Element {
  return (
    <div class="no-match">
      <p>{props.is_filtered ? `No ${props.noun} of this session matches${props.is_live ? " yet" : ""}.` : props.is_live ? "Nothing has come yet." : "No event has been stored yet."}</p>
      <Show when={props.is_filtered}>
        <button type="button" class="button" onClick={() => props.onClearFilter()}>Clear the filter</button>
      </Show>
    </div>
  );
}

interface PlaceSource {
  props: EventTableProps;
  rows: () => EventRows;
  view: () => GridView;
  /** Comes when the grid is drawn, which may be after the events. */
  grid: () => GridHandle | null;
  setOpened: (change: (now: ReadonlySet<number>) => ReadonlySet<number>) => void;
}

/**
 * Where the list stands. Rows come and go above what is read, as pages are read and runs are closed: the first event in
 * sight stays where it is, or the end, if it is that which is followed.
 */
function createPlace({ props, rows, view, grid, setOpened }: PlaceSource): { reveal: EventTableHandle["reveal"]; isMoving: () => boolean } {
  let is_moving = false;
  /** To be brought into sight once it has been read. */
  let pending: { index: number; sequence: number } | null = null;
  const is_live = () => props.session !== null && props.session.state !== "ended";
  const moving = (work: () => void) => {
    is_moving = true;
    work();
    is_moving = false;
  };

  const revealNow = (index: number, sequence: number) => {
    const row = rows().rowOf(index);
    const shown = rows().at(row);
    // One of a closed run is opened, so that the event itself is seen.
    if (shown?.run && !shown.run.is_open && shown.index !== index) setOpened((now) => new Set(now).add(sequence));
    moving(() => grid()?.reveal(rows().rowOf(index)));
  };
  const keepPlace = (now: EventRows, before: EventRows) => {
    const { first, top, at_bottom } = view();
    if (props.follow || (at_bottom && is_live() && now.count >= before.count)) return moving(() => grid()?.toBottom());
    const anchor = before.at(first);
    if (!anchor) return;
    const known = anchor.event ? now.indexOf(anchor.event.sequence) : -1;
    const row = now.rowOf(known >= 0 ? known : anchor.index);
    if (row !== first) moving(() => grid()?.to(top + (row - first) * ROW_HEIGHT));
  };

  let was_ready = false;
  createEffect(on([rows, () => props.events.ready() && grid() !== null], ([now, ready], last) => {
    const before = last?.[0];
    if (ready && was_ready && before && before !== now) keepPlace(now, before);
    // A new filter is a new list: it begins at its top, or at what is selected.
    else if (ready && !was_ready && !pending) moving(() => (props.follow ? grid()?.toBottom() : grid()?.toTop()));
    was_ready = ready;
    const index = pending ? now.indexOf(pending.sequence) : -1;
    if (!ready || !pending || (index < 0 && now.event(pending.index) === null)) return;
    const { index: place, sequence } = pending;
    pending = null;
    if (index >= 0) revealNow(index, sequence);
    // What the filter leaves out: the list shows where it would be.
    else moving(() => grid()?.reveal(now.rowOf(place)));
  }));

  return {
    isMoving: () => is_moving,
    reveal(index, sequence) {
      const known = rows().indexOf(sequence);
      const is_drawn = props.events.ready() && grid() !== null;
      if (known >= 0 && is_drawn) return revealNow(known, sequence);
      pending = { index, sequence };
      if (is_drawn) moving(() => grid()?.reveal(rows().rowOf(index)));
    },
  };
}

/** What has come while one was reading further up. */
function createNewCount(props: EventTableProps, view: () => GridView): () => number {
  const [seen, setSeen] = createSignal(0);
  const total = () => countOf(props.events.pages());
  createEffect(on([total, props.events.ready], ([now, ready], before) => {
    const [then, was_ready] = before ?? [0, false];
    if (!ready || !was_ready || now <= then || view().at_bottom) setSeen(now);
  }));
  createEffect(() => {
    if (view().at_bottom) setSeen(total());
  });
  return () => Math.max(0, total() - seen());
}
