// What is drawn and said of a session that is followed.

import { describe, expect, test } from "vitest";
import type { Density, SessionEvent } from "../../api/types";
import { NO_TAIL, trimmed, withMissed, withTailEvents } from "../events/tail";
import { activityHeights } from "./activity";
import { densityWith } from "./live_density";
import { bothFilters, liveFilter } from "./live_filter";
import { clockOffsetText, gapText, lagText, rateText } from "./live_texts";
import { noSums, withSum } from "./time_sums";

const START_MS = 1_790_000_000_000;

function event(sequence: number, at_ms: number, kind = "log"): SessionEvent {
  return { sequence, time: new Date(START_MS + at_ms).toISOString(), kind, severity: kind === "error" ? "error" : "info", exception: null, message: "" } as SessionEvent;
}

describe("density of a session that is followed", () => {
  const stored: Density = {
    from: new Date(START_MS).toISOString(), to: new Date(START_MS + 8_000).toISOString(), width_seconds: 2, gaps: [],
    buckets: [{ index: 0, count: 3, errors: 0, worst: "info" }, { index: 3, count: 1, errors: 0, worst: "info" }],
  };
  const life = (length_ms: number) => ({ from_ms: START_MS, to_ms: START_MS + length_ms });

  test("is what was stored and what came, in one grid", () => {
    const tail = withTailEvents(NO_TAIL, [event(5, 6_500), event(6, 9_000, "error")]);
    expect(densityWith(stored, tail, life(10_000))?.buckets).toEqual([
      { index: 0, count: 3, errors: 0, worst: "info" }, { index: 3, count: 2, errors: 0, worst: "info" }, { index: 4, count: 1, errors: 1, worst: "error" },
    ]);
    expect(densityWith(stored, NO_TAIL, life(10_000))).toBe(stored);
  });

  test("is there when nothing is stored, and stays drawable as it grows", () => {
    const tail = withTailEvents(NO_TAIL, Array.from({ length: 100 }, (_, at) => event(at + 1, at * 36_000)));
    const density = densityWith(null, tail, life(3_600_000));
    expect(density?.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    expect(density?.buckets.every(({ index }) => index <= 512)).toBe(true);
    const grown = densityWith(stored, tail, life(3_600_000));
    expect(grown?.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(104);
    expect(grown?.buckets.every(({ index }) => index <= 512)).toBe(true);
  });

  test("counts what was let go, and shows where something is missing", () => {
    const all = withTailEvents(withMissed(withTailEvents(NO_TAIL, [event(1, 0), event(2, 1_000)]), { first: 3, last: 12, why: "" }), [event(13, 5_000), event(14, 6_000)]);
    expect(densityWith(null, all, life(6_000))?.gaps).toEqual([{ from: new Date(START_MS + 1_000).toISOString(), to: new Date(START_MS + 5_000).toISOString(), events: 10 }]);
    const density = densityWith(null, trimmed(all, 1), life(6_000));
    expect(density?.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(4);
  });

  test("sums become wider, not more", () => {
    let sums = noSums();
    for (let at = 0; at < 5_000; at += 1) sums = withSum(sums, { at_ms: START_MS + at * 1_000, count: 1, errors: 0, worst: "info" });
    expect(sums.entries.length).toBeLessThanOrEqual(512);
    expect(sums.entries.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });
});

describe("words", () => {
  test.each([[0, "0"], [0.04, "< 0.1"], [0.34, "0.3"], [9.96, "10"], [1204.4, "1,204"]])("rate %s", (rate, text) => expect(rateText(rate)).toBe(text));
  test.each([[null, null], [40, "its clock is right"], [-40, "its clock is right"], [1_240, "its clock is 1.2 s ahead"], [-7_200_000, "its clock is 2 h behind"]])(
    "clock %s", (ahead_ms, text) => expect(clockOffsetText(ahead_ms)).toBe(text),
  );
  test("lag and gaps", () => {
    expect(lagText({ agent_has: 3_000, server_has: 1_000 })).toBe("the line is slow: 2,000 behind");
    expect(gapText({ gap: "missed", first: 4, last: 4, count: 0, why: "too slow", sums: noSums() })).toMatch(/^1 record did not come \(too slow\)\./);
    expect(gapText({ gap: "dropped", first: 1, last: 9_000, count: 1_200, why: "", sums: noSums() })).toMatch(/^1,200 older events were let go/);
  });
  test("a filter of what is shown", () => {
    expect(liveFilter({ filter: "", severity: null, errors: false })).toBe("");
    expect(liveFilter({ filter: " a OR b ", severity: "warn", errors: true })).toBe("(a OR b) level:>=warn error:true");
    expect(bothFilters("a", "")).toBe("a");
    expect(bothFilters("", "sequence:<=4")).toBe("sequence:<=4");
  });
  test("activity is seen, and has room for more", () => {
    expect(activityHeights([0, 0.1, 20, 1e9], 16)).toEqual([0, 1, 8, 16]);
  });
});
