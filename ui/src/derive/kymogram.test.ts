// Geometry: buckets of time to the columns of a line, and back from a pixel to a time.

import { describe, expect, it } from "vitest";
import { bucketAt, columnsOf, endShape, lifeWidth, notchAt, notchesOf, runsOf, ticksOf, tickText, timeToX, xToTime, type TimeBucket } from "./kymogram";

const SPAN = { from_ms: 1_000, to_ms: 11_000 };

function bucket(at_ms: number, count: number, part: Partial<TimeBucket> = {}): TimeBucket {
  return { at_ms, width_ms: 1_000, count, errors: 0, worst: "info", ...part };
}

const SIZES = { width: 100, height: 16, pitch: 10, height_min: 2, worst_height_min: 3 };

function heights(buckets: TimeBucket[], sizes = SIZES): number[] {
  return columnsOf(buckets, SPAN, sizes).map((column) => Math.round(column.height * 10) / 10);
}

describe("columnsOf", () => {
  it("places by time, without holes", () => {
    expect(heights([bucket(1_000, 4), bucket(6_000, 1)])).toEqual([16, 0, 0, 0, 0, 8, 0, 0, 0, 0]);
    expect(columnsOf([bucket(1_000, 1)], SPAN, SIZES).map(({ x, width }) => [x, width]).slice(0, 2)).toEqual([[0, 10], [10, 10]]);
  });
  it("begins where a bucket begins, be it before the start", () => {
    const columns = columnsOf([bucket(1_500, 4), bucket(3_500, 4)], SPAN, SIZES);
    expect(columns.map(({ x, width }) => [Math.round(x), Math.round(width)])).toEqual([[0, 5], [5, 10], [15, 10], [25, 10], [35, 10], [45, 10], [55, 10], [65, 10], [75, 10], [85, 10], [95, 5]]);
    expect(columns.map((column) => column.height)).toEqual([0, 16, 0, 16, 0, 0, 0, 0, 0, 0, 0]);
  });
  it("leaves no splinter at an end", () => {
    const columns = columnsOf([bucket(200, 1), bucket(10_200, 1)], SPAN, SIZES);
    expect(columns.map(({ x, width }) => [Math.round(x), Math.round(width)])).toEqual([[0, 12], [12, 10], [22, 10], [32, 10], [42, 10], [52, 10], [62, 10], [72, 10], [82, 10], [92, 8]]);
    expect(columns.map((column) => column.height)).toEqual([16, 0, 0, 0, 0, 0, 0, 0, 0, 16]);
  });
  it("gathers buckets that are narrower than a column", () => {
    const narrow = [0, 250, 500, 750].map((offset) => bucket(1_000 + offset, 1, { width_ms: 250 }));
    expect(heights([...narrow, bucket(6_000, 1, { width_ms: 250 })])).toEqual([16, 0, 0, 0, 0, 8, 0, 0, 0, 0]);
  });
  it("has no more columns than there are buckets", () => {
    expect(heights([bucket(1_000, 1, { width_ms: 5_000 })])).toEqual([16, 0]);
    expect(heights([bucket(0, 1, { width_ms: 50_000 })])).toEqual([16]);
  });
  it("shows a single event beside a burst", () => {
    expect(heights([bucket(1_000, 1_000_000), bucket(2_000, 1)])[1]).toBe(2);
  });
  it("keeps what lies at the ends and leaves out what lies beyond", () => {
    expect(heights([bucket(500, 1), bucket(10_500, 1), bucket(50_000, 1), bucket(-5_000, 1)])).toEqual([16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16]);
    expect(heights([bucket(11_000, 1, { width_ms: 0 })]).at(-1)).toBe(16);
  });
  it("keeps a bucket that seems to end before the start because times are cut to milliseconds", () => {
    expect(heights([bucket(998, 1, { width_ms: 1.05 })])[0]).toBe(16);
  });
  it("colours errors by their share, but always enough to be seen", () => {
    const buckets = [
      bucket(1_000, 100, { errors: 1, worst: "error" }), bucket(2_000, 100, { errors: 50, worst: "error" }),
      bucket(3_000, 100, { errors: 100, worst: "fatal" }), bucket(4_000, 100, { worst: "warn" }), bucket(5_000, 100),
    ];
    expect(columnsOf(buckets, SPAN, SIZES).map((column) => column.worst_height).slice(0, 5)).toEqual([3, 8, 16, 3, 0]);
  });
  it("colours a lone warning as a whole", () => {
    const [alone] = columnsOf([bucket(1_000, 1, { worst: "warn" })], SPAN, SIZES);
    expect(alone?.worst_height).toBe(16);
  });
  it("is one column for a moment", () => {
    expect(columnsOf([bucket(5, 1, { width_ms: 0 })], { from_ms: 5, to_ms: 6 }, SIZES)).toMatchObject([{ x: 0, width: 100, height: 16 }]);
  });
  it("has nothing to draw without buckets or room", () => {
    expect(heights([])).toEqual([]);
    expect(heights([bucket(1_000, 1)], { ...SIZES, width: 0 })).toEqual([]);
  });
});

describe("runs", () => {
  const runs = (...at_ms: number[]) => runsOf(columnsOf(at_ms.map((time) => bucket(time, 1)), SPAN, SIZES));
  it("have room to rise and to fall", () => {
    expect(runs(4_000)).toEqual([{ from: 2, to: 4 }]);
    expect(runs(1_000, 10_000)).toEqual([{ from: 0, to: 1 }, { from: 8, to: 9 }]);
  });
  it("join over a short rest", () => {
    expect(runs(3_000, 5_000, 10_000)).toEqual([{ from: 1, to: 5 }, { from: 8, to: 9 }]);
    expect(runs()).toEqual([]);
  });
});

describe("lifeWidth", () => {
  it("is short for a moment", () => {
    expect(lifeWidth({ from_ms: 5, to_ms: 6 }, 200, 10)).toBe(10);
    expect(lifeWidth({ from_ms: 5, to_ms: 405 }, 200, 10)).toBe(200);
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
    expect(ticksOf({ from_ms: 13_000, to_ms: 33_000 }, 200, 80, 1_000)).toEqual([20_000, 30_000]);
  });
  it.each([
    [0, "0"], [250, "250 ms"], [1_500, "1.5 s"], [45_000, "45 s"], [90_000, "1:30 min"], [300_000, "5 min"],
    [7_200_000, "2 h"], [4_500_000, "1:15 h"], [172_800_000, "2 d"],
    [95_500, "1:35.5 min"],
  ])("%d ms: %s", (offset_ms, text) => expect(tickText(offset_ms)).toBe(text));
});
