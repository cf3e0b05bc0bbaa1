// Geometry of the chart of sessions over time: which buckets to ask for, how high their bars are, where the labels of
// the axis stand. Pure: times and pixels in, pixels out.

import type { SessionCounts } from "../../api/types";
import { clockText, dateText, type Zone } from "../time";
import { absoluteEnds, backSeconds, type Range } from "./range";

/** Equal buckets from one moment to another. */
export interface Scale {
  from_ms: number;
  to_ms: number;
  width_ms: number;
  count: number;
}

export interface Bar {
  index: number;
  x: number;
  width: number;
  /** Pixels from the ground. */
  height: number;
  /** Of that, from the ground, what had errors. */
  error_height: number;
}

export interface Tick {
  x: number;
  text: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Widths that people count in. Each is a multiple of the one before or divides a day evenly, so that edges fall on the clock. */
const WIDTHS_MS: readonly number[] = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
].map((seconds) => seconds * SECOND_MS).concat([1, 2, 7, 14, 28, 91, 364].map((days) => days * DAY_MS));

/** More bars than this are too thin to be hit, on a narrow screen to be seen. */
const BARS_MAX = 120;

function niceWidth(span_ms: number, parts: number): number {
  return WIDTHS_MS.find((width_ms) => span_ms / width_ms <= parts) ?? Math.ceil(span_ms / parts / DAY_MS) * DAY_MS;
}

/**
 * The buckets of a range. Back from now they begin on the clock (`offset_ms`: of the zone), so that bars stand still while
 * time goes on; between two moments they are exactly these. `earliest_ms`: start of the first session, for an open end.
 */
export function scaleOf(range: Range, now_ms: number, earliest_ms: number | null, offset_ms: number): Scale {
  const ends = absoluteEnds(range);
  const seconds = backSeconds(range);
  const to_ms = ends?.to_ms ?? now_ms;
  const first_ms = Math.min(earliest_ms ?? to_ms - DAY_MS, to_ms - MINUTE_MS);
  const from_ms = ends?.from_ms ?? (seconds === null ? first_ms : now_ms - seconds * 1000);
  const width_ms = niceWidth(to_ms - from_ms, BARS_MAX);
  const floor = (time_ms: number) => Math.floor((time_ms + offset_ms) / width_ms) * width_ms - offset_ms;
  const aligned = { from_ms: ends?.from_ms ?? floor(from_ms), to_ms: ends?.to_ms ?? floor(to_ms) + width_ms };
  const count = Math.max(1, Math.ceil((aligned.to_ms - aligned.from_ms) / width_ms));
  return { ...aligned, width_ms: (aligned.to_ms - aligned.from_ms) / count, count };
}

/** Where a bucket begins; the one after the last is the end. */
export function startOf(scale: Scale, index: number): number {
  return Math.round(scale.from_ms + index * scale.width_ms);
}

export function indexAt(scale: Scale, x: number, width: number): number {
  return Math.min(scale.count - 1, Math.max(0, Math.floor((x / Math.max(1, width)) * scale.count)));
}

/** The largest bar's count, rounded up to what is easy to read. */
export function topOf(counts: SessionCounts): number {
  const most = Math.max(0, ...counts.buckets.map((bucket) => bucket.sessions));
  if (most <= 5) return Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= most && Number.isInteger(top)) ?? most;
}

/** A bar is seen however small it is. */
const HEIGHT_MIN = 2;

export function barsOf(counts: SessionCounts, scale: Scale, width: number, height: number): Bar[] {
  const top = topOf(counts);
  const pitch = width / scale.count;
  // Edges on whole pixels, a gap of one where there is room for it.
  const gap = pitch >= 4 ? 1 : 0;
  const pixels = (count: number) => (count === 0 ? 0 : Math.max(HEIGHT_MIN, Math.round((count / top) * height)));
  return counts.buckets.map((bucket) => {
    const x = Math.round(bucket.index * pitch);
    return {
      index: bucket.index,
      x,
      width: Math.max(1, Math.round((bucket.index + 1) * pitch) - x - gap),
      height: pixels(bucket.sessions),
      error_height: pixels(bucket.with_errors),
    };
  });
}

/** Pixels of a label. */
const TICK_WIDTH = 40;

/** Labels on the clock, at least `room` pixels apart: a date at midnight, else the time. */
export function ticksOf(scale: Scale, width: number, room: number, offset_ms: number, zone: Zone): Tick[] {
  const span_ms = scale.to_ms - scale.from_ms;
  const step_ms = niceWidth(span_ms, Math.max(1, width / room));
  const ticks: Tick[] = [];
  const first_ms = Math.ceil((scale.from_ms + offset_ms) / step_ms) * step_ms - offset_ms;
  for (let at_ms = first_ms; at_ms < scale.to_ms; at_ms += step_ms) {
    const x = ((at_ms - scale.from_ms) / span_ms) * width;
    // At the right edge there is no room for the text.
    if (x <= width - TICK_WIDTH) ticks.push({ x, text: tickText(at_ms, step_ms, zone) });
  }
  return ticks;
}

function tickText(at_ms: number, step_ms: number, zone: Zone): string {
  const clock = clockText(at_ms, zone);
  if (step_ms >= DAY_MS || clock === "00:00:00") return dateText(at_ms, zone).slice(step_ms >= 91 * DAY_MS ? 0 : 5);
  return step_ms < MINUTE_MS ? clock : clock.slice(0, 5);
}

/** `2026-11-20 14:00 – 15:00` */
export function stretchText(from_ms: number, to_ms: number, zone: Zone): string {
  const with_seconds = from_ms % MINUTE_MS !== 0 || to_ms % MINUTE_MS !== 0;
  const clock = (time_ms: number) => clockText(time_ms, zone).slice(0, with_seconds ? 8 : 5);
  const [from_date, to_date] = [dateText(from_ms, zone), dateText(to_ms, zone)];
  const is_days = clock(from_ms) === "00:00" && clock(to_ms) === "00:00";
  if (is_days) {
    const last_date = dateText(to_ms - 1, zone);
    return last_date === from_date ? from_date : `${from_date} – ${last_date}`;
  }
  return `${from_date} ${clock(from_ms)} – ${from_date === to_date ? "" : `${to_date} `}${clock(to_ms)}`;
}

/** Minutes by which local time is ahead, as milliseconds; 0 in UTC. */
export function zoneOffset(time_ms: number, zone: Zone): number {
  return zone === "utc" ? 0 : -new Date(time_ms).getTimezoneOffset() * MINUTE_MS;
}
