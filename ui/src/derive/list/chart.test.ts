// Buckets, bars and labels of the chart.

import { describe, expect, it } from "vitest";
import type { SessionCounts } from "../../api/types";
import { barsOf, indexAt, scaleOf, startOf, stretchText, ticksOf, topOf } from "./chart";
import { parseRange } from "./range";

const NOW = Date.parse("2026-11-20T16:20:42Z");
const HOUR_MS = 3_600_000;

function counts(...buckets: [number, number, number][]): SessionCounts {
  return {
    from: "", to: "", width_seconds: 1,
    buckets: buckets.map(([index, sessions, with_errors]) => ({ index, sessions, users: sessions, with_errors })),
  };
}

describe("buckets", () => {
  it.each([
    ["1h", 30_000, 121],
    ["24h", 900_000, 97],
    ["7d", 2 * HOUR_MS, 85],
    ["30d", 6 * HOUR_MS, 121],
  ])("back from now: %s", (range, width_ms, count) => {
    const scale = scaleOf(parseRange(range)!, NOW, null, 0);
    expect([scale.width_ms, scale.count]).toEqual([width_ms, count]);
    expect(scale.from_ms % width_ms).toBe(0);
    expect(scale.to_ms).toBeGreaterThan(NOW);
  });
  it("days begin at midnight of the zone", () => {
    const scale = scaleOf("all", NOW, NOW - 90 * 24 * HOUR_MS, HOUR_MS);
    expect(scale.width_ms).toBe(24 * HOUR_MS);
    expect(new Date(scale.from_ms).toISOString()).toContain("T23:00:00.000Z");
  });
  it("between two moments they are exactly these", () => {
    const scale = scaleOf(parseRange("2026-11-20T16:00:07Z..2026-11-20T16:01Z")!, NOW, null, 0);
    expect(scale).toMatchObject({ from_ms: Date.parse("2026-11-20T16:00:07Z"), to_ms: Date.parse("2026-11-20T16:01Z"), count: 53, width_ms: 1000 });
    expect(startOf(scale, scale.count)).toBe(scale.to_ms);
  });
  it("nothing is known yet", () => expect(scaleOf("all", NOW, null, 0).count).toBeLessThanOrEqual(121));
  it("the earliest is now", () => expect(scaleOf("all", NOW, NOW, 0).count).toBeGreaterThan(0));
});

describe("bars", () => {
  const scale = scaleOf("24h", NOW, null, 0);
  it("the highest is the top, the smallest is seen", () => {
    const [first, second] = barsOf(counts([0, 1000, 1], [96, 1, 0]), scale, 970, 60);
    expect(first).toEqual({ index: 0, x: 0, width: 9, height: 60, error_height: 2 });
    expect(second).toEqual({ index: 96, x: 960, width: 9, height: 2, error_height: 0 });
  });
  it.each([[0, 1], [1, 1], [3, 3], [7, 8], [11, 15], [37, 40], [101, 150], [950, 1000]])("a top for %i", (most, top) => {
    expect(topOf(counts([0, most, 0]))).toBe(top);
  });
  it("is found under the pointer", () => {
    expect([indexAt(scale, -5, 970), indexAt(scale, 15, 970), indexAt(scale, 5000, 970)]).toEqual([0, 1, 96]);
  });
});

it("labels stand on the clock and say dates at midnight", () => {
  const texts = ticksOf(scaleOf("24h", NOW, null, 0), 970, 80, 0, "utc").map(({ text }) => text);
  expect(texts).toEqual(["18:00", "20:00", "22:00", "11-20", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00", "14:00"]);
  const narrow = ticksOf(scaleOf("30d", NOW, null, 0), 360, 64, 0, "utc").map(({ text }) => text);
  expect(narrow.length).toBeLessThanOrEqual(6);
});

it("a stretch says what is needed", () => {
  const at = (text: string) => Date.parse(text);
  expect(stretchText(at("2026-11-20T14:00Z"), at("2026-11-20T15:00Z"), "utc")).toBe("2026-11-20 14:00 – 15:00");
  expect(stretchText(at("2026-11-20T23:00Z"), at("2026-11-21T00:00Z"), "utc")).toBe("2026-11-20 23:00 – 2026-11-21 00:00");
  expect(stretchText(at("2026-11-20T00:00Z"), at("2026-11-21T00:00Z"), "utc")).toBe("2026-11-20");
  expect(stretchText(at("2026-11-20T00:00Z"), at("2026-11-22T00:00Z"), "utc")).toBe("2026-11-20 – 2026-11-21");
  expect(stretchText(at("2026-11-20T14:00:30Z"), at("2026-11-20T14:01Z"), "utc")).toBe("2026-11-20 14:00:30 – 14:01:00");
});
