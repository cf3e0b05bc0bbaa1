// Pages of events: places, what is missing, what is forgotten.

import { expect, it } from "vitest";
import type { SessionEvent } from "../../api/types";
import { missingPage, noPages, withEvents, withoutFar } from "./event_pages";

const event = (sequence: number) => ({ sequence, session_id: "s" }) as SessionEvent;
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => event(from + at));
const drawn = (pages: ReturnType<typeof noPages>) =>
  [...pages.read].sort(([one], [other]) => one - other).map(([number, page]) => `${number}:${page.map(({ sequence }) => sequence).join(",")}`).join(" ");

it("events go to their pages", () => {
  const first = withEvents(noPages(4), 4, events(4, 8), 11);
  expect(drawn(first)).toBe("1:4,5,6,7");
  const more = withEvents(first, 8, events(8, 11), 11);
  expect(drawn(more)).toBe("1:4,5,6,7 2:8,9,10");
  // New ones at the end, over the border of a page.
  expect(drawn(withEvents(more, 11, events(11, 14), 14))).toBe("1:4,5,6,7 2:8,9,10,11 3:12,13");
  expect(drawn(first)).toBe("1:4,5,6,7");
});

it("what stays the same event stays the same object", () => {
  const before = withEvents(noPages(4), 0, events(0, 3), 3);
  const after = withEvents(noPages(4), 0, [event(0), event(9), event(1)], 3, before);
  expect(after.read.get(0)?.[0]).toBe(before.read.get(0)?.[0]);
  expect(drawn(after)).toBe("0:0,9,1");
});

it.each([
  [{ first: 0, last: 3 }, 0],
  [{ first: 4, last: 7 }, -1],
  [{ first: 5, last: 9 }, 2],
  [{ first: 6, last: 900 }, 2],
  [{ first: -5, last: -1 }, -1],
])("of %o page %i is missing", (wanted, expected) => {
  expect(missingPage(withEvents(noPages(4), 4, events(4, 8), 11), wanted)).toBe(expected);
});

it("a page that is read in part is missing once there are more", () => {
  const pages = withEvents(noPages(4), 0, events(0, 3), 3);
  expect(missingPage(pages, { first: 0, last: 2 })).toBe(-1);
  expect(missingPage({ ...pages, total: 6 }, { first: 0, last: 2 })).toBe(0);
  expect(missingPage(noPages(4), { first: 0, last: 2 })).toBe(-1);
});

it("far pages are forgotten, not the last one", () => {
  const pages = withEvents(noPages(1), 0, events(0, 9), 9);
  expect([...withoutFar(pages, { first: 2, last: 3 }, 4).read.keys()].sort()).toEqual([1, 2, 3, 8]);
  expect(withoutFar(pages, { first: 2, last: 3 }, 9)).toBe(pages);
});
