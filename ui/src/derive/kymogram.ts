// Geometry of the kymogram: buckets of time become columns of a drawn line, the end of the session becomes a shape.
// Pure: pixels in, pixels out; the view only draws what it gets.
//
//        .        v      height: square root of the density, so that a single event is still seen beside a burst
//       / \   .   |      of a thousand; at the foot in colour: what of it was a warning or worse
//   ___/   \_/ \__|____] where nothing happened the line runs flat and pale; `v` a notch, `]` the end

import type { Gap, Session, SeverityLevel } from "../api/types";
import { severityRank, worse } from "./severity";

/** A stretch of time with what happened in it; times in milliseconds. */
export interface TimeBucket {
  at_ms: number;
  width_ms: number;
  count: number;
  errors: number;
  worst: SeverityLevel;
}

export interface TimeSpan {
  from_ms: number;
  to_ms: number;
}

/** One step of the line. Columns lie side by side without holes; `height` 0 where nothing happened. */
export interface Column {
  x: number;
  width: number;
  height: number;
  severity: SeverityLevel;
  /** Of the height, from the foot, what has the colour of the severity; 0 where all is calm. */
  worst_height: number;
}

/** Columns `from` to `to`, both included, in which the line leaves the ground. */
export interface Run {
  from: number;
  to: number;
}

export interface ColumnSizes {
  width: number;
  height: number;
  /** Columns are not narrower than this. */
  pitch: number;
  height_min: number;
  worst_height_min: number;
}

/** A place to hit: the errors of one bucket. */
export interface Notch {
  x: number;
  at_ms: number;
  width_ms: number;
  errors: number;
  worst: SeverityLevel;
}

/** Where events of a program are missing. */
export interface TimeGap extends TimeSpan {
  events: number;
}

export type EndShape = "cap" | "fade" | "break" | "edge" | "open";

export function timeToX(time_ms: number, span: TimeSpan, width: number): number {
  const length_ms = span.to_ms - span.from_ms;
  if (length_ms <= 0) return 0;
  return ((time_ms - span.from_ms) / length_ms) * width;
}

export function xToTime(x: number, span: TimeSpan, width: number): number {
  if (width <= 0) return span.from_ms;
  return span.from_ms + (x / width) * (span.to_ms - span.from_ms);
}

/** Where in the life something is drawn: within its ends, in the middle of a moment. */
export function placeX(time_ms: number, span: TimeSpan, width: number): number {
  return isMoment(span) ? width / 2 : clamp(timeToX(time_ms, span, width), 0, width);
}

/**
 * The line over a life. A column is a whole number of buckets and begins where one begins, so that no bucket is spread
 * over two: it would be a lower hill than its neighbours.
 */
export function columnsOf(buckets: readonly TimeBucket[], span: TimeSpan, sizes: ColumnSizes): Column[] {
  const first = buckets[0];
  const length_ms = span.to_ms - span.from_ms;
  if (!first || length_ms <= 0 || sizes.width <= 0) return [];
  if (isMoment(span)) return momentOf(buckets, sizes);
  const bucket_ms = Math.max(first.width_ms, length_ms / GRID_STEPS_MAX);
  const column_ms = Math.max(1, Math.ceil((sizes.pitch * length_ms) / sizes.width / bucket_ms - 0.01)) * bucket_ms;
  // A hundredth of tolerance: times are rounded to milliseconds, buckets are not.
  const grid_ms = first.at_ms - Math.ceil((first.at_ms - span.from_ms) / column_ms - 0.01) * column_ms;
  // Less than half a column at an end would be a splinter: its neighbour takes it in.
  const origin_ms = span.from_ms - grid_ms > column_ms / 2 ? grid_ms + column_ms : grid_ms;
  const column_count = Math.max(1, Math.round((span.to_ms - origin_ms) / column_ms));
  const sums = Array.from({ length: column_count }, (): ColumnSum => ({ count: 0, worst_count: 0, worst: "trace" }));
  for (const bucket of buckets) {
    // A browser's time is cut to milliseconds: a bucket may seem to end that much before the start that it holds.
    if (bucket.at_ms > span.to_ms || bucket.at_ms + bucket.width_ms < span.from_ms - 1) continue;
    const index = Math.floor((bucket.at_ms + bucket_ms / 2 - origin_ms) / column_ms);
    const sum = sums[clamp(index, 0, column_count - 1)];
    if (sum) addTo(sum, bucket);
  }
  const count_max = sums.reduce((most, sum) => Math.max(most, sum.count), 0);
  return sums.map((sum, index) => {
    const x = index === 0 ? 0 : timeToX(origin_ms + index * column_ms, span, sizes.width);
    const end_x = index === column_count - 1 ? sizes.width : timeToX(origin_ms + (index + 1) * column_ms, span, sizes.width);
    return { x, width: end_x - x, severity: sum.worst, ...heightsOf(sum, count_max, sizes) };
  });
}

interface ColumnSum {
  count: number;
  worst_count: number;
  worst: SeverityLevel;
}

function heightsOf(sum: ColumnSum, count_max: number, sizes: ColumnSizes): Pick<Column, "height" | "worst_height"> {
  if (sum.count === 0) return { height: 0, worst_height: 0 };
  const height = Math.max(sizes.height_min, Math.sqrt(sum.count / count_max) * sizes.height);
  if (severityRank(sum.worst) < severityRank("warn")) return { height, worst_height: 0 };
  return { height, worst_height: Math.min(height, Math.max(sizes.worst_height_min, (sum.worst_count / sum.count) * height)) };
}

/** All in one hill. */
function momentOf(buckets: readonly TimeBucket[], sizes: ColumnSizes): Column[] {
  const sum: ColumnSum = { count: 0, worst_count: 0, worst: "trace" };
  for (const bucket of buckets) addTo(sum, bucket);
  return [{ x: 0, width: sizes.width, severity: sum.worst, ...heightsOf(sum, sum.count, sizes) }];
}

function addTo(sum: ColumnSum, bucket: TimeBucket): void {
  sum.count += bucket.count;
  sum.worst_count += worstCount(bucket);
  sum.worst = worse(sum.worst, bucket.worst);
}

/** More steps than any screen has pixels: buckets of no width would make infinitely many. */
const GRID_STEPS_MAX = 100_000;

/**
 * One error among a thousand lines must be seen, but must not make all of them look like errors: errors count by
 * their number; of warnings, and of lines that only have the severity of an error, the number is not known, so that
 * only a lone one counts.
 */
function worstCount(bucket: TimeBucket): number {
  if (bucket.errors > 0) return Math.min(bucket.errors, bucket.count);
  return bucket.count === 1 && severityRank(bucket.worst) >= severityRank("warn") ? 1 : 0;
}

/** Where the line leaves the ground, one column to each side of it included; short rests do not part a run. */
export function runsOf(columns: readonly Column[]): Run[] {
  const runs: Run[] = [];
  columns.forEach((column, index) => {
    if (column.height === 0) return;
    const last = runs.at(-1);
    const from = Math.max(0, index - 1);
    const to = Math.min(columns.length - 1, index + 1);
    if (last && from <= last.to + 1) last.to = to;
    else runs.push({ from, to });
  });
  return runs;
}

/** A life without length is drawn as a short piece: a line across would claim that it went on. */
export function lifeWidth(span: TimeSpan, width: number, moment_width: number): number {
  return isMoment(span) ? Math.min(width, moment_width) : width;
}

function isMoment(span: TimeSpan): boolean {
  return span.to_ms - span.from_ms <= MOMENT_MS;
}

/** Below the resolution of most agents' clocks. */
const MOMENT_MS = 1;

export function notchesOf(buckets: readonly TimeBucket[], span: TimeSpan, width: number): Notch[] {
  return buckets
    .filter((bucket) => bucket.errors > 0)
    .map((bucket) => ({
      // Those beyond the ends of a range are not in sight.
      x: isMoment(span) ? width / 2 : timeToX(bucket.at_ms + bucket.width_ms / 2, span, width),
      at_ms: bucket.at_ms,
      width_ms: bucket.width_ms,
      errors: bucket.errors,
      worst: bucket.worst,
    }));
}

/** The notch nearest to `x`, if it is within reach. */
export function notchAt(notches: readonly Notch[], x: number, reach: number): Notch | null {
  let nearest: Notch | null = null;
  for (const notch of notches) {
    const distance = Math.abs(notch.x - x);
    if (distance <= reach && (!nearest || distance < Math.abs(nearest.x - x))) nearest = notch;
  }
  return nearest;
}

/** The bucket that covers a time; empty stretches have none. */
export function bucketAt(buckets: readonly TimeBucket[], time_ms: number): TimeBucket | null {
  return buckets.find((bucket) => time_ms >= bucket.at_ms && time_ms < bucket.at_ms + bucket.width_ms) ?? null;
}

export function gapsOf(gaps: readonly Gap[]): TimeGap[] {
  return gaps.map(({ from, to, events }) => ({ from_ms: Date.parse(from), to_ms: Date.parse(to), events }));
}

/** The largest gap around a time. */
export function gapAt(gaps: readonly TimeGap[], time_ms: number): TimeGap | null {
  const around = gaps.filter(({ from_ms, to_ms }) => time_ms >= from_ms && time_ms <= to_ms);
  return around.reduce<TimeGap | null>((largest, gap) => (largest && largest.events >= gap.events ? largest : gap), null);
}

export function endShape(session: Pick<Session, "state" | "end_reason">): EndShape {
  if (session.state === "running") return "edge";
  if (session.state === "silent") return "open";
  switch (session.end_reason) {
    case "normal": return "cap";
    case "timed_out": return "fade";
    case "crashed":
    case "killed":
    case "lost_power": return "break";
    default: return "open";
  }
}

const TICK_SECONDS: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600,
  43200, 86400, 172800, 604800, 2592000,
];

/** Round offsets from the start of the life, in milliseconds, at least `tick_width_min` pixels apart. */
export function ticksOf(span: TimeSpan, width: number, tick_width_min: number, life_from_ms = span.from_ms): number[] {
  const length_seconds = (span.to_ms - span.from_ms) / 1000;
  if (length_seconds <= 0 || width < tick_width_min) return [span.from_ms - life_from_ms];
  const step_min = (length_seconds * tick_width_min) / width;
  const step = TICK_SECONDS.find((seconds) => seconds >= step_min) ?? length_seconds;
  const first = Math.ceil((span.from_ms - life_from_ms) / 1000 / step - 1e-9) + 0;
  const last_seconds = (span.to_ms - life_from_ms) / 1000;
  const ticks: number[] = [];
  for (let index = first; index * step <= last_seconds; index += 1) ticks.push(index * step * 1000);
  return ticks;
}

/** `0`, `250 ms`, `45 s`, `5 min`, `2 h`, `3 d`: the label of a tick. */
export function tickText(offset_ms: number): string {
  const seconds = offset_ms / 1000;
  if (seconds === 0) return "0";
  if (seconds < 1) return `${Math.round(offset_ms)} ms`;
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds % 60 === 0) return seconds < 3_600 ? `${seconds / 60} min` : hoursText(seconds);
  return seconds < 60 ? `${Number(seconds.toFixed(1))} s` : minutesText(seconds);
}

function hoursText(seconds: number): string {
  return `${Math.floor(seconds / 3_600)}:${String(Math.round((seconds % 3_600) / 60)).padStart(2, "0")} h`;
}

function minutesText(seconds: number): string {
  const rest = Number((seconds % 60).toFixed(3));
  return `${Math.floor(seconds / 60)}:${rest < 10 ? "0" : ""}${rest} min`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
