// Times and durations, as tables of input and text.

import { describe, expect, it } from "vitest";
import { absoluteText, clockText, durationText, durationWords, offsetText, parseTime, relativeText, timeParameter } from "./time";

const AT_MS = parseTime("2026-11-20T16:20:42.061Z");

describe("absolute times", () => {
  it("are ISO-like and name UTC", () => {
    expect(absoluteText(AT_MS, "utc")).toBe("2026-11-20 16:20:42 UTC");
    expect(absoluteText(AT_MS, "utc", true)).toBe("2026-11-20 16:20:42.061 UTC");
    expect(clockText(parseTime("2026-01-02T03:04:05.006Z"), "utc", true)).toBe("03:04:05.006");
  });
  it("in local time carry no zone name", () => {
    expect(absoluteText(AT_MS, "local")).not.toContain("UTC");
  });
});

describe("timeParameter", () => {
  it("is never later than the time", () => {
    expect(timeParameter(AT_MS + 0.9)).toBe("2026-11-20T16:20:42.061Z");
  });
});

describe("relativeText", () => {
  it.each([
    [0, "just now"], [-3_000, "just now"], [4_999, "just now"], [5_000, "5 s ago"], [59_999, "59 s ago"],
    [60_000, "1 min ago"], [3_599_999, "59 min ago"], [3_600_000, "1 h ago"], [86_399_999, "23 h ago"],
    [86_400_000, "1 day ago"], [13 * 86_400_000, "13 days ago"], [14 * 86_400_000, "2026-11-20"],
    [-60_000, "2026-11-20 16:20:42 UTC"],
  ])("%d ms old: %s", (age_ms, text) => {
    expect(relativeText(AT_MS, AT_MS + age_ms, "utc")).toBe(text);
  });
});

describe("durationText", () => {
  it.each([
    [0, "00:00"], [0.34, "340 ms"], [1, "00:01"], [45.113, "00:45"], [130, "02:10"], [3_599.9, "59:59"],
    [3_600, "1:00:00"], [7_930, "2:12:10"], [86_400, "1 d 00:00"], [267_120, "3 d 02:12"], [-5, "00:00"],
  ])("%d s: %s", (seconds, text) => expect(durationText(seconds)).toBe(text));
});

describe("durationWords", () => {
  it.each([
    [0.34, "340 ms"], [45.4, "45 s"], [480.2, "8 min"], [5_400, "1.5 h"], [7_200, "2 h"], [90_000, "25 h"], [259_200, "3 days"],
  ])("%d s: %s", (seconds, text) => expect(durationWords(seconds)).toBe(text));
});

describe("offsetText", () => {
  it.each([
    [0, "+00:00.000"], [71, "+00:00.071"], [45_113, "+00:45.113"], [3_730_123, "+1:02:10.123"], [-250, "−00:00.250"],
  ])("%d ms: %s", (offset_ms, text) => expect(offsetText(offset_ms)).toBe(text));
});
