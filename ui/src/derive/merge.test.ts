// What was just read joins what is shown.

import { describe, expect, it } from "vitest";
import type { Session, SessionEvent } from "../api/types";
import { compareSessions } from "./list/sort";
import { compareEvents, mergeFirstPage, updateRows } from "./merge";

/** Newest start first: row(9) is above row(8). */
function row(minute: number, event_count = 1): Session {
  return { id: `s${minute}`, started_at: `2026-11-20T16:0${minute}:00Z`, event_count } as Session;
}

function ids(rows: readonly Session[]): string {
  return rows.map(({ id }) => id).join(" ");
}

describe("mergeFirstPage", () => {
  it("puts new rows on top and keeps those below the page", () => {
    const merged = mergeFirstPage([row(5), row(4), row(3), row(2)], [row(7), row(6), row(5)], false);
    expect(ids(merged.rows)).toBe("s7 s6 s5 s4 s3 s2");
    expect(merged).toMatchObject({ added: 2, replaced: false });
  });
  it("drops a row of the page's stretch that is no longer in it", () => {
    expect(ids(mergeFirstPage([row(5), row(4), row(3)], [row(5), row(3)], false).rows)).toBe("s5 s3");
  });
  it("cuts by time when the last row of the page was not known", () => {
    expect(ids(mergeFirstPage([row(6), row(3)], [row(6), row(4)], false).rows)).toBe("s6 s4 s3");
  });
  it("joins in any order in which rows that grow move up", () => {
    const by_events = compareSessions("-events");
    const old_rows = [row(1, 9), row(2, 8), row(3, 7), row(4, 6)];
    // Row 4 grew past row 3, which left the page of two.
    expect(ids(mergeFirstPage(old_rows, [row(4, 10), row(1, 9)], false, by_events).rows)).toBe("s4 s1 s2 s3");
    expect(ids(mergeFirstPage(old_rows, [row(1, 9), row(9, 8.5)], false, by_events).rows)).toBe("s1 s9 s2 s3 s4");
  });
  it("replaces all when there may be a gap, or when the page is everything", () => {
    expect(mergeFirstPage([row(2), row(1)], [row(9), row(8)], false)).toMatchObject({ added: 2, replaced: true });
    expect(ids(mergeFirstPage([row(2), row(1)], [row(2)], true).rows)).toBe("s2");
    expect(mergeFirstPage([], [], true)).toEqual({ rows: [], added: 0, replaced: true });
  });
});

it("updateRows takes newer versions without moving", () => {
  const rows = updateRows([row(3), row(2)], [row(9), row(2, 50)]);
  expect(ids(rows)).toBe("s3 s2");
  expect(rows[1]?.event_count).toBe(50);
});

describe("events in order", () => {
  const events = ["16:00:00Z", "16:00:01Z", "16:00:01.5Z", "16:00:03Z"].map(
    (time, index) => ({ time: `2026-11-20T${time}`, sequence: index + 1 }) as SessionEvent,
  );
  it("compare by time, whatever its precision, then by sequence", () => {
    const [, second, third] = events as [SessionEvent, SessionEvent, SessionEvent];
    expect(compareEvents(second, third)).toBeLessThan(0);
    expect(compareEvents(second, { ...second, sequence: 9 })).toBeLessThan(0);
  });
});
