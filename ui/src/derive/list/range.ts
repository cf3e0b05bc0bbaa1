// The stretch of time that a list is about: back from now, or between two moments. As text it is what stands in the
// address: `24h`, `2026-11-20T16:00Z..2026-11-20T17:30Z`, with one end open `2026-11-20T16:00Z..`.

import { absoluteText, dateText, type Zone } from "../time";

type Back = "1h" | "24h" | "7d" | "30d" | "all";
type Between = `${string}..${string}`;

export type Range = Back | Between;

export const RANGES: readonly { range: Back; label: string; seconds: number | null }[] = [
  { range: "1h", label: "Last hour", seconds: 3_600 },
  { range: "24h", label: "Last 24 hours", seconds: 86_400 },
  { range: "7d", label: "Last 7 days", seconds: 604_800 },
  { range: "30d", label: "Last 30 days", seconds: 2_592_000 },
  { range: "all", label: "All time", seconds: null },
];

export const RANGE_DEFAULT: Range = "7d";

const MINUTE_MS = 60_000;

/** Ends of a range between two moments; `null`: that end is open. */
export interface Ends {
  from_ms: number | null;
  to_ms: number | null;
}

/** What is not understood is `null`. */
export function parseRange(text: string | null): Range | null {
  const back = RANGES.find(({ range }) => range === text);
  if (back) return back.range;
  const ends = text?.includes("..") ? endsOf(text as Between) : null;
  return ends && between(ends);
}

/** The range between two moments, if the one is before the other. */
export function between({ from_ms, to_ms }: Ends): Range | null {
  if (from_ms === null && to_ms === null) return null;
  if (from_ms !== null && to_ms !== null && from_ms >= to_ms) return null;
  return `${momentText(from_ms)}..${momentText(to_ms)}`;
}

/** Short where it can be: `2026-11-20T16:00Z`. */
function momentText(time_ms: number | null): string {
  return time_ms === null ? "" : new Date(time_ms).toISOString().replace(/(:00)?\.000Z$/, "Z");
}

function endsOf(range: Between): Ends | null {
  const [from = "", to = "", more] = range.split("..");
  const moment = (text: string) => (text === "" ? null : Date.parse(text));
  const ends = { from_ms: moment(from), to_ms: moment(to) };
  return more === undefined && !Number.isNaN(ends.from_ms) && !Number.isNaN(ends.to_ms) ? ends : null;
}

/** `null`: it is back from now. */
export function absoluteEnds(range: Range): Ends | null {
  return range.includes("..") ? endsOf(range as Between) : null;
}

export function backSeconds(range: Range): number | null {
  return RANGES.find((known) => known.range === range)?.seconds ?? null;
}

/** Start of a range as the API wants it; back from now on the full minute, so that refreshes ask the same. `null`: open. */
export function rangeFrom(range: Range, now_ms: number): string | null {
  const ends = absoluteEnds(range);
  if (ends) return ends.from_ms === null ? null : new Date(ends.from_ms).toISOString();
  const seconds = backSeconds(range);
  if (seconds === null) return null;
  return new Date(Math.floor((now_ms - seconds * 1000) / MINUTE_MS) * MINUTE_MS).toISOString();
}

/** End of a range as the API wants it. `null`: open. */
export function rangeTo(range: Range): string | null {
  const to_ms = absoluteEnds(range)?.to_ms ?? null;
  return to_ms === null ? null : new Date(to_ms).toISOString();
}

/** What a range is called: `Last 7 days`, `11-20 16:00 – 17:30`, `from 2026-11-20 16:00`. */
export function rangeLabel(range: Range, zone: Zone): string {
  const ends = absoluteEnds(range);
  if (!ends) return RANGES.find((known) => known.range === range)?.label ?? "";
  if (ends.from_ms === null) return `until ${shortText(ends.to_ms ?? 0, zone)}`;
  if (ends.to_ms === null) return `from ${shortText(ends.from_ms, zone)}`;
  const is_one_day = dateText(ends.from_ms, zone) === dateText(ends.to_ms, zone);
  const to = shortText(ends.to_ms, zone);
  return `${shortText(ends.from_ms, zone)} – ${is_one_day ? to.slice(11) : to}`;
}

/** In a sentence: `in the last 7 days`, `between 2026-11-20 16:00 and 17:30`. */
export function rangePhrase(range: Range, zone: Zone): string {
  if (range === "all") return "";
  const label = rangeLabel(range, zone);
  return absoluteEnds(range) ? ` (${label})` : ` in the ${label.toLowerCase()}`;
}

/** To the second only where there are some. */
function shortText(time_ms: number, zone: Zone): string {
  return absoluteText(time_ms, zone).replace(/ UTC$/, "").replace(/:00$/, "");
}

/** As a field for date and time has it: `2026-11-20T16:00`. */
export function fieldText(time_ms: number, zone: Zone): string {
  return shortText(time_ms, zone).replace(" ", "T");
}

/** The moment that such a field says. `null`: nothing, or not a moment. */
export function fieldTime(text: string, zone: Zone): number | null {
  if (text === "") return null;
  const time_ms = Date.parse(zone === "utc" ? `${text}Z` : text);
  return Number.isNaN(time_ms) ? null : time_ms;
}
