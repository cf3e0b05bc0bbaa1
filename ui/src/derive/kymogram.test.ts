// Geometry: buckets of time to rectangles, and back from a pixel to a time.

import { describe, expect, it } from "vitest";
import { barsOf, bucketAt, endShape, notchAt, notchesOf, ticksOf, tickText, timeToX, xToTime, type TimeBucket } from "./kymogram";

const SPAN = { from_ms: 1_000, to_ms: 11_000 };

function bucket(at_ms: number, count: number, part: Partial<TimeBucket> = {}): TimeBucket {
  return { at_ms, width_ms: 1_000, count, errors: 0, worst: "info", ...part };
}

describe("barsOf", () => {
  it("places by time, stands on the bottom edge, leaves a gap", () => {
    expect(barsOf([bucket(1_000, 4), bucket(6_000, 1)], SPAN, 100, 16)).toEqual([
      { x: 0, y: 0, width: 9, height: 16, severity: "info", worst_height: 16 },
      { x: 50, y: 8, width: 9, height: 8, severity: "info", worst_height: 8 },
    ]);
  });
  it("shows a single event beside a burst", () => {
    const [, small] = barsOf([bucket(1_000, 1_000_000), bucket(2_000, 1)], SPAN, 100, 16);
    expect(small?.height).toBe(2);
  });
  it("cuts off at the ends and leaves out what lies beyond", () => {
    const bars = barsOf([bucket(500, 1), bucket(10_500, 1), bucket(50_000, 1), bucket(-5_000, 1)], SPAN, 100, 16);
    expect(bars.map(({ x, width }) => [x, x + width])).toEqual([[0, 4], [95, 99]]);
  });
  it("never draws narrower than can be seen, nor beyond the edge", () => {
    const bars = barsOf([bucket(1_000, 1, { width_ms: 0 }), bucket(11_000, 1, { width_ms: 0 })], SPAN, 100, 16);
    expect(bars.map(({ x, width }) => [x, width])).toEqual([[0, 2], [98, 2]]);
  });
  it("colours errors by their share, but always enough to be seen", () => {
    const heights = [
      bucket(1_000, 100, { errors: 1, worst: "error" }), bucket(2_000, 100, { errors: 50, worst: "error" }),
      bucket(3_000, 100, { errors: 100, worst: "fatal" }), bucket(4_000, 100, { worst: "warn" }),
    ];
    expect(barsOf(heights, SPAN, 100, 40).map((bar) => bar.worst_height)).toEqual([4, 20, 40, 4]);
  });
  it("draws nothing for nothing", () => {
    expect(barsOf([], SPAN, 100, 16)).toEqual([]);
    expect(barsOf([bucket(1_000, 1)], SPAN, 0, 16)).toEqual([]);
  });
});

describe("time and pixels", () => {
  it("are inverse", () => {
    expect(timeToX(6_000, SPAN, 200)).toBe(100);
    expect(xToTime(100, SPAN, 200)).toBe(6_000);
  });
  it("survive an empty span and an empty drawing", () => {
    expect(timeToX(6_000, { from_ms: 5, to_ms: 5 }, 200)).toBe(0);
    expect(xToTime(10, SPAN, 0)).toBe(1_000);
  });
});

describe("notches", () => {
  const buckets = [bucket(1_000, 5, { errors: 1 }), bucket(2_000, 5), bucket(3_000, 5, { errors: 2 })];
  it("stand in the middle of the buckets with errors", () => {
    expect(notchesOf(buckets, SPAN, 100).map((notch) => notch.x)).toEqual([5, 25]);
  });
  it("are hit by the nearest within reach", () => {
    const notches = notchesOf(buckets, SPAN, 100);
    expect(notchAt(notches, 22, 6)?.at_ms).toBe(3_000);
    expect(notchAt(notches, 15, 6)).toBeNull();
  });
  it("and buckets are found by time", () => {
    expect(bucketAt(buckets, 2_500)?.at_ms).toBe(2_000);
    expect(bucketAt(buckets, 9_000)).toBeNull();
  });
});

describe("endShape", () => {
  it.each([
    ["running", null, "edge"], ["silent", null, "open"], ["ended", "normal", "cap"], ["ended", "timed_out", "fade"],
    ["ended", "crashed", "break"], ["ended", "killed", "break"], ["ended", "lost_power", "break"], ["ended", "unknown", "open"],
    ["ended", null, "open"],
  ] as const)("%s %s: %s", (state, end_reason, shape) => expect(endShape({ state, end_reason })).toBe(shape));
});

describe("the axis", () => {
  it("has round steps that are wide enough", () => {
    expect(ticksOf({ from_ms: 0, to_ms: 60_000 }, 600, 80)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    expect(ticksOf({ from_ms: 0, to_ms: 0 }, 600, 80)).toEqual([0]);
  });
  it.each([
    [0, "0"], [250, "250 ms"], [1_500, "1.5 s"], [45_000, "45 s"], [90_000, "1:30 min"], [300_000, "5 min"],
    [7_200_000, "2 h"], [4_500_000, "1:15 h"], [172_800_000, "2 d"],
  ])("%d ms: %s", (offset_ms, text) => expect(tickText(offset_ms)).toBe(text));
});
