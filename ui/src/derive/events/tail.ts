// What comes live behind the stored events of a session: events in order of their sequence, and rows that say where some are not
// here. Joined with what is stored by sequence alone, so that nothing is shown twice however both grow.
//
//   stored pages            tail
//   1 2 3 … 4711    |    4712 4713 (missed 4714 to 4800) 4801 …
//                   join: what is stored up to here is taken from there

import type { SessionEvent } from "../../api/types";
import { noSums, withSum, type TimeSums } from "../live/time_sums";
import { parseTime } from "../time";

/** Events that are not here though others after them are. */
export interface TailGap {
  /** `missed`: they were not sent; `dropped`: they were here, and were let go to spare memory. */
  gap: "missed" | "dropped";
  /** Sequences, both included. */
  first: number;
  last: number;
  /** Events let go; of those missed it is not known what they were. */
  count: number;
  why: string;
  /** When those were that were let go. */
  sums: TimeSums;
}

export type TailEntry = SessionEvent | TailGap;

export interface Tail {
  entries: readonly TailEntry[];
  /** Of these, events. */
  count: number;
}

export const NO_TAIL: Tail = { entries: [], count: 0 };

export function isGap(entry: TailEntry): entry is TailGap {
  return "gap" in entry;
}

export function eventsOf({ entries }: Tail): SessionEvent[] {
  return entries.filter((entry) => !isGap(entry)) as SessionEvent[];
}

/** The last sequence that an entry speaks of. */
export function lastOf(entry: TailEntry): number {
  return isGap(entry) ? entry.last : entry.sequence;
}

export function lastSequence({ entries }: Tail): number {
  const last = entries.at(-1);
  return last ? lastOf(last) : 0;
}

/** What is there already comes once. */
export function withTailEvents(tail: Tail, items: readonly SessionEvent[]): Tail {
  const from = lastSequence(tail);
  const fresh = items.filter(({ sequence }) => sequence > from);
  return fresh.length === 0 ? tail : { entries: [...tail.entries, ...fresh], count: tail.count + fresh.length };
}

/** Those of them that are here stay. */
export function withMissed(tail: Tail, missed: { first: number; last: number; why: string }): Tail {
  const first = Math.max(missed.first, lastSequence(tail) + 1);
  if (first > missed.last) return tail;
  const gap: TailGap = { gap: "missed", first, last: missed.last, count: 0, why: missed.why, sums: noSums() };
  return { ...tail, entries: [...tail.entries, gap] };
}

/** With what is behind its end: what is there already comes once, also of a gap. */
export function joined(before: Tail, after: Tail): Tail {
  const fresh = behind(after, lastSequence(before));
  return fresh.entries.length === 0 ? before : { entries: [...before.entries, ...fresh.entries], count: before.count + fresh.count };
}

/** What is behind that sequence; a gap that it ends in begins there. */
export function behind(tail: Tail, until: number): Tail {
  const { entries, count } = settled(tail, until);
  const [first] = entries;
  if (!first || !isGap(first) || first.first > until) return { entries, count };
  return { entries: [{ ...first, first: until + 1 }, ...entries.slice(1)], count };
}

/** What is left when everything up to that sequence is stored; a gap that it ends in stays. */
export function settled(tail: Tail, until: number): Tail {
  const from = tail.entries.findIndex((entry) => lastOf(entry) > until);
  if (from === 0) return tail;
  if (from < 0) return NO_TAIL;
  return tailOf(tail.entries.slice(from));
}

function tailOf(entries: readonly TailEntry[]): Tail {
  return { entries, count: entries.reduce((count, entry) => count + (isGap(entry) ? 0 : 1), 0) };
}

/** The events up to that sequence, if each of them is here; else `null`. */
export function wholeUntil(tail: Tail, until: number): SessionEvent[] | null {
  const events: SessionEvent[] = [];
  for (const entry of tail.entries) {
    if (isGap(entry) ? entry.first > until : entry.sequence > until) break;
    if (isGap(entry)) return null;
    events.push(entry);
  }
  return events;
}

/** With so many events at most: the oldest are let go, which a gap at the front says. */
export function trimmed(tail: Tail, events_max: number): Tail {
  let excess = tail.count - events_max;
  if (excess <= 0) return tail;
  let [count, place] = [0, 0];
  let sums = noSums();
  for (; excess > 0 && place < tail.entries.length; place += 1) {
    const entry = tail.entries[place];
    if (!entry) break;
    if (isGap(entry)) {
      count += entry.count;
      for (const one of entry.sums.entries) sums = withSum(sums, one);
      continue;
    }
    excess -= 1;
    count += 1;
    sums = withSum(sums, { at_ms: parseTime(entry.time), count: 1, errors: isSessionError(entry) ? 1 : 0, worst: entry.severity });
  }
  const [first, last] = [tail.entries[0], tail.entries[place - 1]];
  if (!first || !last) return tail;
  const gap: TailGap = { gap: "dropped", first: isGap(first) ? first.first : first.sequence, last: lastOf(last), count, why: "", sums };
  return { entries: [gap, ...tail.entries.slice(place)], count: events_max };
}

/** As a session counts its errors. */
export function isSessionError(event: SessionEvent): boolean {
  return event.kind === "error" || event.exception !== null;
}
