// Geometry of the kymogram: buckets of time become rectangles, the end of the session becomes a shape.
// Pure: pixels in, pixels out; the view only fills what it gets.
//
//      |      |#|                     height: square root of the count, so that a single event is still seen
//      |  |#| |#||#|       |#|        beside a burst of a thousand; colour at the foot: the worst severity
//      +-----------------------------] end

import type { Session, SeverityLevel } from "../api/types";
import { severityRank } from "./severity";

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

export interface Bar {
  x: number;
  y: number;
  width: number;
  height: number;
  /** The worst severity, which colours the lowest `worst_height` pixels; the rest is calm. */
  severity: SeverityLevel;
  worst_height: number;
}

/** A place to hit: the errors of one bucket. */
export interface Notch {
  x: number;
  at_ms: number;
  width_ms: number;
  errors: number;
}

export type EndShape = "cap" | "fade" | "break" | "edge" | "open";

const BAR_WIDTH_MIN = 2;
const BAR_HEIGHT_MIN = 2;
const WORST_HEIGHT_MIN = 4;
/** Narrower bars get no gap: it would take more ink than the bar. */
const GAPPED_WIDTH_MIN = 3;

export function timeToX(time_ms: number, span: TimeSpan, width: number): number {
  const length_ms = span.to_ms - span.from_ms;
  if (length_ms <= 0) return 0;
  return ((time_ms - span.from_ms) / length_ms) * width;
}

export function xToTime(x: number, span: TimeSpan, width: number): number {
  if (width <= 0) return span.from_ms;
  return span.from_ms + (x / width) * (span.to_ms - span.from_ms);
}

/** Rectangles for buckets, standing on the bottom edge; outside of `span` nothing is drawn. */
export function barsOf(buckets: readonly TimeBucket[], span: TimeSpan, width: number, height: number): Bar[] {
  const count_max = buckets.reduce((most, bucket) => Math.max(most, bucket.count), 0);
  if (count_max === 0 || width <= 0) return [];
  const bars: Bar[] = [];
  for (const bucket of buckets) {
    if (bucket.at_ms > span.to_ms || bucket.at_ms + bucket.width_ms < span.from_ms) continue;
    const left = clamp(timeToX(bucket.at_ms, span, width), 0, width - BAR_WIDTH_MIN);
    const right = clamp(timeToX(bucket.at_ms + bucket.width_ms, span, width), left + BAR_WIDTH_MIN, width);
    const gap = right - left >= GAPPED_WIDTH_MIN ? 1 : 0;
    const bar_height = Math.max(BAR_HEIGHT_MIN, Math.round(Math.sqrt(bucket.count / count_max) * height));
    bars.push({
      x: left,
      y: height - bar_height,
      width: Math.max(BAR_WIDTH_MIN, right - left - gap),
      height: bar_height,
      severity: bucket.worst,
      worst_height: worstHeight(bucket, bar_height),
    });
  }
  return bars;
}

/**
 * One error among a thousand lines must be seen, but must not make all of them look like errors:
 * errors colour their share, a warning (of which the number is not known) a small piece, the calm levels all.
 */
function worstHeight(bucket: TimeBucket, bar_height: number): number {
  if (severityRank(bucket.worst) < severityRank("warn")) return bar_height;
  const share = bucket.errors > 0 ? bucket.errors / bucket.count : 0;
  const least = bucket.count === 1 ? bar_height : WORST_HEIGHT_MIN;
  return Math.min(bar_height, Math.max(least, Math.round(share * bar_height)));
}

export function notchesOf(buckets: readonly TimeBucket[], span: TimeSpan, width: number): Notch[] {
  return buckets
    .filter((bucket) => bucket.errors > 0)
    .map((bucket) => ({
      x: clamp(timeToX(bucket.at_ms + bucket.width_ms / 2, span, width), 0, width),
      at_ms: bucket.at_ms,
      width_ms: bucket.width_ms,
      errors: bucket.errors,
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

/** Round offsets from the start, in milliseconds, at least `tick_width_min` pixels apart. */
export function ticksOf(span: TimeSpan, width: number, tick_width_min: number): number[] {
  const length_seconds = (span.to_ms - span.from_ms) / 1000;
  if (length_seconds <= 0 || width < tick_width_min) return [0];
  const step_min = (length_seconds * tick_width_min) / width;
  const step = TICK_SECONDS.find((seconds) => seconds >= step_min) ?? length_seconds;
  const ticks: number[] = [];
  for (let index = 0; index * step <= length_seconds; index += 1) ticks.push(index * step * 1000);
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
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")} min`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
