// Rows of events: what is read and what is not, runs that open, and the way from an event to its row and back.

import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../../api/types";
import { eventRows, toggledRun, type EventPages } from "./event_rows";

function event(sequence: number, message: string, more: Partial<SessionEvent> = {}): SessionEvent {
  return {
    id: `s.${sequence}`, session_id: "s", sequence, time: "2026-11-20T16:20:42Z", observed_time: "2026-11-20T16:20:42Z",
    severity: "info", severity_number: 9, kind: "log", category: "c", message, user: null, reference_id: null,
    user_description: null, exception: null, attributes: {}, ...more,
  };
}

/** One letter an event, `.` for one that is not read; pages of four. */
function pagesOf(letters: string, more: (letter: string) => Partial<SessionEvent> = () => ({})): EventPages {
  const read = new Map<number, SessionEvent[]>();
  for (let page = 0; page * 4 < letters.length; page += 1) {
    const part = [...letters.slice(page * 4, page * 4 + 4)];
    if (!part.includes(".")) read.set(page, part.map((letter, place) => event(page * 4 + place + 1, letter, more(letter))));
  }
  return { size: 4, total: letters.length, read };
}

/** `a`, `b3` for a closed run, `b3*` for an open one, `(b)` for its members, `.` for what is not read. */
function drawn(pages: EventPages, opened: number[] = []): string {
  const rows = eventRows(pages, new Set(opened));
  return Array.from({ length: rows.count }, (_, place) => {
    const row = rows.at(place);
    if (!row?.event) return ".";
    if (row.is_member) return `(${row.event.message})`;
    return `${row.event.message}${row.run ? `${row.run.count}${row.run.is_open ? "*" : ""}` : ""}`;
  }).join(" ");
}

describe("rows", () => {
  it.each([
    ["", ""],
    ["abc", "a b c"],
    ["aabb", "a a b b"],
    ["abbbc", "a b3 c"],
    ["aabbbbbbcc", "a a b6 c c"],
    ["abcd....bbbb", "a b c d . . . . b4"],
    ["bbbb....bbbb", "b4 . . . . b4"],
    ["....bbbb", ". . . . b4"],
    ["bbbbbbbb", "b8"],
  ])("%s", (letters, expected) => expect(drawn(pagesOf(letters))).toBe(expected));

  it("a run opens by any of its events", () => {
    expect(drawn(pagesOf("abbbc"), [2])).toBe("a b3* (b) (b) c");
    expect(drawn(pagesOf("abbbc"), [4])).toBe("a b3* (b) (b) c");
    expect(drawn(pagesOf("abbbc"), [1, 5])).toBe("a b3 c");
  });
  it("errors are never hidden", () => {
    expect(drawn(pagesOf("eeee", () => ({ kind: "error" })))).toBe("e e e e");
    expect(drawn(pagesOf("eeee", () => ({ severity: "error" })))).toBe("e e e e");
  });
  it("one that differs in anything but time is another", () => {
    let count = 0;
    expect(drawn(pagesOf("bbbb", () => ({ category: `c${(count += 1)}` })))).toBe("b b b b");
    expect(drawn(pagesOf("bbbb", () => ({ user: { id: `u${(count += 1)}`, name: null } })))).toBe("b b b b");
  });
});

describe("rows that are not grouped", () => {
  it("are one for each event, read or not", () => {
    const rows = eventRows(pagesOf("abbb" + "...." + "cccc"), new Set([2]), false);
    const drawn = Array.from({ length: rows.count }, (_, row) => rows.at(row)?.event?.message ?? ".").join("");
    expect(drawn).toBe("abbb....cccc");
    expect([rows.rowOf(3), rows.rowOf(9), rows.at(2)?.run]).toEqual([3, 9, null]);
  });
});

describe("the way from an event to its row", () => {
  const rows = eventRows(pagesOf("abbbc..." + "dddd" + "e"), new Set());
  it("goes through runs and through what is not read", () => {
    expect(rows.count).toBe(4 + 4 + 1 + 1 - 2);
  });
  it.each([[0, 0], [1, 1], [3, 1]])("event %i is in row %i", (index, row) => expect(rows.rowOf(index)).toBe(row));
  it("and back", () => {
    for (let row = 0; row < rows.count; row += 1) expect(rows.rowOf(rows.at(row)?.index ?? -1)).toBe(row);
    expect(rows.at(rows.count)).toBeNull();
    expect(rows.at(-1)).toBeNull();
  });
  it("finds what is read by its sequence", () => {
    expect(rows.indexOf(4)).toBe(3);
    expect(rows.indexOf(6)).toBe(-1);
    expect(rows.event(3)?.message).toBe("b");
    expect(rows.event(5)).toBeNull();
  });
});

it("a run is opened and closed again", () => {
  const pages = pagesOf("abbbc");
  const opened = toggledRun(eventRows(pages, new Set()), 1, new Set());
  expect(drawn(pages, [...opened])).toBe("a b3* (b) (b) c");
  const by_member = new Set([4]);
  expect([...toggledRun(eventRows(pages, by_member), 1, by_member)]).toEqual([]);
  expect([...toggledRun(eventRows(pages, new Set()), 0, new Set())]).toEqual([]);
});
