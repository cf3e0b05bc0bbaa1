// The list of events as rows: pages that have been read become rows, identical neighbours become one row that opens,
// and what has not been read keeps the room of one row for each event.
//
//   pages    [ 0: read ][ 1: not read ][ 2: read ]      a page holds `size` events, the last one the rest
//   rows     a b (c x48) d ..............  e f g        a row has an event, a run of them, or only an index
//
// Behind what is stored stands what came live, see `tail.ts`; where some of that is not here, a row says so.

import type { SessionEvent } from "../../api/types";
import { eventText } from "../session_text";
import { eventsOf, isGap, NO_TAIL, type Tail, type TailGap } from "./tail";

/** Pages that have been read, by number. */
export interface EventPages {
  size: number;
  /** Of all events that match and are stored, read or not. */
  total: number;
  read: ReadonlyMap<number, readonly SessionEvent[]>;
  /** Behind those, live. */
  tail?: Tail;
}

/** Stored and live. */
export function countOf({ total, tail }: EventPages): number {
  return total + (tail?.count ?? 0);
}

/** The event, if it has been read or came live. */
export function eventOf({ read, tail }: EventPages, sequence: number): SessionEvent | null {
  for (const page of read.values()) {
    const found = page.find((event) => event.sequence === sequence);
    if (found) return found;
  }
  for (const entry of tail?.entries ?? []) if (!isGap(entry) && entry.sequence === sequence) return entry;
  return null;
}

/** Identical neighbours, from the first to the last. */
export interface Run {
  count: number;
  last: SessionEvent;
  is_open: boolean;
}

export interface EventRow {
  /** Place among the events that match. */
  index: number;
  /** `null` while it is not read. */
  event: SessionEvent | null;
  /** Set on the first row of a run. */
  run: Run | null;
  /** One of an open run, not the first. */
  is_member: boolean;
  /** Instead of an event: some are missing before the one of this index. */
  gap?: TailGap;
}

export interface EventRows {
  count: number;
  at(row: number): EventRow | null;
  /** The row that shows the event of this index; a closed run shows all of its own. */
  rowOf(index: number): number;
  /** Index of the event, if it has been read; else -1. */
  indexOf(sequence: number): number;
  /** The event of this index, if it has been read. */
  event(index: number): SessionEvent | null;
}

/** Two of a kind are read as fast as "x 2". */
const RUN_MIN = 3;

export function isErrorEvent(event: SessionEvent): boolean {
  return event.kind === "error" || event.exception !== null || event.severity === "error" || event.severity === "fatal";
}

/** Nothing but the time differs in a list of lines. Errors are never the same: none of them may be hidden. */
export function isRepeat(one: SessionEvent, other: SessionEvent): boolean {
  return (
    one.severity === other.severity && one.kind === other.kind && one.category === other.category &&
    one.user?.id === other.user?.id && !isErrorEvent(one) && !isErrorEvent(other) &&
    !one.user_description && !other.user_description && eventText(one) === eventText(other)
  );
}

/** Events that lie beside each other, all read; or a stretch of which nothing is; or the place of some that are missing. */
interface Stretch {
  first_index: number;
  events: readonly SessionEvent[] | null;
  count: number;
  gap?: TailGap;
}

function stretchesOf({ size, total, read, tail = NO_TAIL }: EventPages): Stretch[] {
  const stretches: (Stretch & { pages: (readonly SessionEvent[])[] })[] = [];
  const add = (first_index: number, count: number, events: readonly SessionEvent[] | null) => {
    const last = stretches.at(-1);
    if (!last || (last.events === null) !== (events === null)) stretches.push({ first_index, events, count, pages: events ? [events] : [] });
    else {
      last.count += count;
      if (events) last.pages.push(events);
    }
  };
  for (let first_index = 0; first_index < total; first_index += size) {
    const events = read.get(first_index / size) ?? null;
    const count = Math.min(size, total - first_index);
    if (events) add(first_index, events.length, events);
    // The rest of a page that was read when it was the last one, and of one that was not read all of it.
    const rest = count - (events?.length ?? 0);
    if (rest > 0) add(first_index + count - rest, rest, null);
  }
  const stored: Stretch[] = stretches.map((stretch) => (stretch.pages.length > 1 ? { ...stretch, events: stretch.pages.flat() } : stretch));
  return tail.entries.length > 0 ? withTail(stored, total, tail) : stored;
}

function withTail(stored: Stretch[], total: number, tail: Tail): Stretch[] {
  let first_index = total;
  // The same line goes on from what is stored to what is not.
  const last = stored.at(-1);
  let events: SessionEvent[] = last?.events ? [...last.events] : [];
  const stretches = last?.events ? stored.slice(0, -1) : [...stored];
  const close = () => {
    if (events.length > 0) stretches.push({ first_index: first_index - events.length, events, count: events.length });
    events = [];
  };
  for (const entry of tail.entries) {
    if (!isGap(entry)) {
      events.push(entry);
      first_index += 1;
      continue;
    }
    close();
    stretches.push({ first_index, events: [], count: 0, gap: entry });
  }
  close();
  return stretches;
}

/** Rows of one stretch; `null` for one that is not read, where row and event are the same. */
interface Segment {
  first_row: number;
  first_index: number;
  count: number;
  rows: EventRow[] | null;
}

/** `opened`: sequences of events whose run is to be open; any of a run will do. Not `grouped`, each event has its row. */
export function eventRows(pages: EventPages, opened: ReadonlySet<number>, grouped = true): EventRows {
  const segments: Segment[] = [];
  const live = eventsOf(pages.tail ?? NO_TAIL);
  let count = 0;
  for (const { first_index, events, count: event_count, gap } of stretchesOf(pages)) {
    const rows = gap ? [{ index: first_index, event: null, run: null, is_member: false, gap }] : events && (grouped ? rowsOf(events, first_index, opened) : singleRows(events, first_index));
    segments.push({ first_row: count, first_index, count: rows ? rows.length : event_count, rows });
    count += rows ? rows.length : event_count;
  }
  return {
    count,
    at(row) {
      const segment = segments.findLast(({ first_row }) => first_row <= row);
      if (!segment || row < 0 || row >= count) return null;
      const place = row - segment.first_row;
      return segment.rows ? (segment.rows[place] ?? null) : { index: segment.first_index + place, event: null, run: null, is_member: false };
    },
    rowOf(index) {
      const segment = segments.findLast(({ first_index }) => first_index <= index);
      if (!segment) return 0;
      if (!segment.rows) return Math.min(count - 1, segment.first_row + index - segment.first_index);
      return segment.first_row + Math.max(0, lastUpTo(segment.rows, index));
    },
    indexOf(sequence) {
      const place = live.findIndex((event) => event.sequence === sequence);
      if (place >= 0) return pages.total + place;
      for (const [page, events] of pages.read) {
        const place = events.findLastIndex((event) => event.sequence === sequence);
        if (place >= 0) return page * pages.size + place;
      }
      return -1;
    },
    event: (index) => (index < pages.total ? pages.read.get(Math.floor(index / pages.size))?.[index % pages.size] : live[index - pages.total]) ?? null,
  };
}

/** The last row that begins at or before the index. */
function lastUpTo(rows: readonly EventRow[], index: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.index ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function rowsOf(events: readonly SessionEvent[], first_index: number, opened: ReadonlySet<number>): EventRow[] {
  const rows: EventRow[] = [];
  for (let from = 0; from < events.length; ) {
    const to = endOfRun(events, from);
    const [event, last] = [events[from], events[to - 1]];
    if (!event || !last) break;
    if (to - from < RUN_MIN) {
      rows.push({ index: first_index + from, event, run: null, is_member: false });
      from += 1;
      continue;
    }
    const is_open = opened.size > 0 && events.slice(from, to).some(({ sequence }) => opened.has(sequence));
    rows.push({ index: first_index + from, event, run: { count: to - from, last, is_open }, is_member: false });
    for (let place = from + 1; is_open && place < to; place += 1) {
      rows.push({ index: first_index + place, event: events[place] ?? null, run: null, is_member: true });
    }
    from = to;
  }
  return rows;
}

function singleRows(events: readonly SessionEvent[], first_index: number): EventRow[] {
  return events.map((event, place) => ({ index: first_index + place, event, run: null, is_member: false }));
}

/** Behind the last event that is the same as the one at `from`. */
function endOfRun(events: readonly SessionEvent[], from: number): number {
  const first = events[from];
  let to = from + 1;
  for (let next = events[to]; first && next && isRepeat(first, next); next = events[to]) to += 1;
  return to;
}

/** What the events of the run at this row are remembered by when it is opened or closed. */
export function toggledRun(rows: EventRows, row: number, opened: ReadonlySet<number>): Set<number> {
  const next = new Set(opened);
  const head = rows.at(row);
  if (!head?.run || !head.event) return next;
  if (!head.run.is_open) return next.add(head.event.sequence);
  for (let place = 0; place < head.run.count; place += 1) {
    const event = rows.event(head.index + place);
    if (event) next.delete(event.sequence);
  }
  return next;
}
