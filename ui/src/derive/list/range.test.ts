// Ranges as text and back.

import { describe, expect, it } from "vitest";
import { absoluteEnds, between, fieldText, fieldTime, parseRange, rangeFrom, rangeLabel, rangePhrase, rangeTo } from "./range";

const AT = (text: string) => Date.parse(text);

describe("a range is text", () => {
  it.each([
    ["24h", "24h"],
    ["2026-11-20T16:00Z..2026-11-20T17:30Z", "2026-11-20T16:00Z..2026-11-20T17:30Z"],
    ["2026-11-20T16:00:00.000Z..2026-11-20T17:30:05Z", "2026-11-20T16:00Z..2026-11-20T17:30:05Z"],
    ["2026-11-20T17:00+01:00..", "2026-11-20T16:00Z.."],
    ["..2026-11-20T16:00:00.250Z", "..2026-11-20T16:00:00.250Z"],
    ["..", null],
    ["2026-11-20T17:00Z..2026-11-20T16:00Z", null],
    ["2026-11-20T17:00Z..soon", null],
    ["a..b..c", null],
    ["9y", null],
    ["", null],
  ])("%s", (text, expected) => expect(parseRange(text)).toBe(expected));
  it("from two moments", () => {
    expect(between({ from_ms: 60_000, to_ms: 60_000 })).toBeNull();
    expect(absoluteEnds(between({ from_ms: 0, to_ms: 60_000 })!)).toEqual({ from_ms: 0, to_ms: 60_000 });
    expect(absoluteEnds("7d")).toBeNull();
  });
});

it("the API is asked for moments", () => {
  const range = parseRange("2026-11-20T16:00Z..2026-11-20T17:30Z")!;
  expect([rangeFrom(range, 0), rangeTo(range)]).toEqual(["2026-11-20T16:00:00.000Z", "2026-11-20T17:30:00.000Z"]);
  expect([rangeFrom("1h", AT("2026-11-20T16:20:42.061Z")), rangeTo("1h")]).toEqual(["2026-11-20T15:20:00.000Z", null]);
  expect([rangeFrom("all", 0), rangeFrom(parseRange("..2026-11-20T16:00Z")!, 0)]).toEqual([null, null]);
});

it("a range is called", () => {
  const label = (text: string) => rangeLabel(parseRange(text)!, "utc");
  expect(label("7d")).toBe("Last 7 days");
  expect(label("2026-11-20T16:00Z..2026-11-20T17:30Z")).toBe("2026-11-20 16:00 – 17:30");
  expect(label("2026-11-20T16:00Z..2026-11-21T17:30:05Z")).toBe("2026-11-20 16:00 – 2026-11-21 17:30:05");
  expect(label("2026-11-20T16:00Z..")).toBe("from 2026-11-20 16:00");
  expect(rangePhrase("7d", "utc")).toBe(" in the last 7 days");
  expect(rangePhrase("all", "utc")).toBe("");
});

it("a field of the form says a moment", () => {
  expect(fieldText(AT("2026-11-20T16:00Z"), "utc")).toBe("2026-11-20T16:00");
  expect(fieldTime("2026-11-20T16:00", "utc")).toBe(AT("2026-11-20T16:00Z"));
  for (const zone of ["utc", "local"] as const) expect(fieldTime(fieldText(AT("2026-11-20T16:00Z"), zone), zone)).toBe(AT("2026-11-20T16:00Z"));
  expect([fieldTime("", "utc"), fieldTime("x", "local")]).toEqual([null, null]);
});
