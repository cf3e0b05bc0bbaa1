// The tail of a list: joined, trimmed, settled, and as rows.

import { describe, expect, test } from "vitest";
import type { SessionEvent } from "../../api/types";
import { countOf, eventOf, eventRows, type EventPages } from "./event_rows";
import { behind, eventsOf, isGap, joined, NO_TAIL, settled, trimmed, wholeUntil, withMissed, withTailEvents } from "./tail";

function event(sequence: number, message = `line ${sequence}`): SessionEvent {
  return {
    id: `s.${sequence}`, session_id: "s", sequence, time: new Date(sequence * 1_000).toISOString(), observed_time: "", kind: "log", severity: "info", severity_number: 9,
    category: null, message, exception: null, user: null, user_description: null, reference_id: null, attributes: {},
  } as SessionEvent;
}

const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => event(from + at));
const sequences = (tail: Parameters<typeof eventsOf>[0]) => eventsOf(tail).map(({ sequence }) => sequence);

describe("the tail", () => {
  test("takes each event once", () => {
    const tail = withTailEvents(withTailEvents(NO_TAIL, events(5, 8)), events(7, 10));
    expect(sequences(tail)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(tail.count).toBe(6);
    expect(withTailEvents(tail, events(9, 10))).toBe(tail);
  });

  test("says what is missing, as far as it is not here", () => {
    const tail = withTailEvents(withMissed(withTailEvents(NO_TAIL, events(1, 3)), { first: 2, last: 9, why: "too slow" }), events(10, 10));
    expect(tail.entries.map((entry) => (isGap(entry) ? [entry.first, entry.last] : entry.sequence))).toEqual([1, 2, 3, [4, 9], 10]);
    expect(withMissed(tail, { first: 4, last: 9, why: "" })).toBe(tail);
  });

  test("is joined without anything twice, gaps too", () => {
    const places = ({ entries }: ReturnType<typeof joined>) => entries.map((entry) => (isGap(entry) ? [entry.first, entry.last] : entry.sequence));
    const before = withTailEvents(NO_TAIL, events(1, 6));
    const again = withTailEvents(withMissed(withTailEvents(NO_TAIL, events(3, 4)), { first: 5, last: 9, why: "" }), events(10, 11));
    const both = joined(before, again);
    expect(places(both)).toEqual([1, 2, 3, 4, 5, 6, [7, 9], 10, 11]);
    expect(both.count).toBe(8);
    expect(joined(both, again)).toBe(both);
    expect(joined(both, withTailEvents(NO_TAIL, events(8, 12))).count).toBe(9);
    expect(places(behind(again, 2))).toEqual([3, 4, [5, 9], 10, 11]);
    expect(places(behind(again, 9))).toEqual([10, 11]);
    expect(behind(again, 11).entries).toEqual([]);
  });

  test("gives up what is stored", () => {
    const tail = withTailEvents(withMissed(withTailEvents(NO_TAIL, events(1, 3)), { first: 4, last: 9, why: "" }), events(10, 12));
    expect(sequences(settled(tail, 2))).toEqual([3, 10, 11, 12]);
    expect(settled(tail, 6).entries.length).toBe(4);
    expect(settled(tail, 9).entries.length).toBe(3);
    expect(settled(tail, 12)).toBe(NO_TAIL);
    expect(settled(tail, 0)).toBe(tail);
  });

  test("is moved over as a whole or not at all", () => {
    const tail = withTailEvents(withMissed(withTailEvents(NO_TAIL, events(1, 3)), { first: 4, last: 9, why: "" }), events(10, 12));
    expect(wholeUntil(tail, 3)?.length).toBe(3);
    expect(wholeUntil(tail, 5)).toBeNull();
    expect(wholeUntil(tail, 0)).toEqual([]);
  });

  test("lets the oldest go and counts them", () => {
    const tail = withMissed(withTailEvents(NO_TAIL, events(1, 50)), { first: 51, last: 60, why: "" });
    const first = trimmed(joined(tail, withTailEvents(NO_TAIL, events(61, 100))), 45);
    expect(first.count).toBe(45);
    expect(first.entries[0]).toMatchObject({ gap: "dropped", first: 1, last: 45, count: 45 });
    // Once more, over a gap: one row says all of it.
    const second = trimmed(joined(first, withTailEvents(NO_TAIL, events(101, 120))), 30);
    expect(second.entries[0]).toMatchObject({ gap: "dropped", first: 1, last: 90, count: 80 });
    expect(second.entries.filter(isGap).length).toBe(1);
    expect(sequences(second)[0]).toBe(91);
    const [gap] = second.entries;
    expect(gap && isGap(gap) ? gap.sums.entries.reduce((sum, { count }) => sum + count, 0) : 0).toBe(80);
    expect(trimmed(second, 30)).toBe(second);
  });
});

describe("rows with a tail", () => {
  const stored: EventPages = { size: 10, total: 12, read: new Map([[1, events(11, 12)]]) };

  test("stand behind what is stored", () => {
    const tail = withTailEvents(withMissed(withTailEvents(NO_TAIL, events(13, 14)), { first: 15, last: 19, why: "" }), events(20, 21));
    const pages = { ...stored, tail };
    const rows = eventRows(pages, new Set(), false);
    expect(countOf(pages)).toBe(16);
    expect(rows.count).toBe(17);
    expect(rows.at(0)).toMatchObject({ index: 0, event: null });
    expect(rows.at(12)?.event?.sequence).toBe(13);
    expect(rows.at(14)?.gap).toMatchObject({ first: 15, last: 19 });
    expect(rows.at(15)?.event?.sequence).toBe(20);
    expect(rows.rowOf(14)).toBe(15);
    expect(rows.indexOf(20)).toBe(14);
    expect(rows.indexOf(11)).toBe(10);
    expect(rows.event(15)?.sequence).toBe(21);
    expect(eventOf(pages, 21)?.sequence).toBe(21);
    expect(eventOf(pages, 15)).toBeNull();
  });

  test("a run goes on from what is stored to what is live", () => {
    const read = new Map([[0, [event(1, "tick"), event(2, "tick")]]]);
    const rows = eventRows({ size: 10, total: 2, read, tail: withTailEvents(NO_TAIL, [event(3, "tick"), event(4, "tock")]) }, new Set());
    expect(rows.count).toBe(2);
    expect(rows.at(0)?.run?.count).toBe(3);
  });

  test("a page that was read when it was the last one keeps its place", () => {
    const pages: EventPages = { size: 10, total: 25, read: new Map([[1, events(11, 13)], [2, events(21, 25)]]), tail: withTailEvents(NO_TAIL, events(26, 26)) };
    const rows = eventRows(pages, new Set(), false);
    expect(rows.count).toBe(26);
    expect(rows.at(12)?.event?.sequence).toBe(13);
    expect(rows.at(13)?.event).toBeNull();
    expect(rows.at(20)?.event?.sequence).toBe(21);
    expect(rows.at(25)?.event?.sequence).toBe(26);
  });
});
