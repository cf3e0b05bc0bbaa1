// A series of a metric as a line: its points, the scale beside it, the value at a time. Pure; times in milliseconds.

import type { SeriesPoints } from "../../api/types";
import type { Figure } from "./chart_choice";

/** What was measured at a time, or between two: the least, the greatest and the last. */
export interface ChartPoint {
  at_ms: number;
  least: number;
  most: number;
  last: number;
  samples: number;
}

/** In order of time, with those just outside of the range, so that the line goes on to its ends. */
export interface ChartLine {
  points: ChartPoint[];
  /** Of the points, those within the range: from the first to before the second. */
  inside: [number, number];
}

export function lineOf({ points, before, after }: SeriesPoints, figure: Figure): ChartLine {
  const alone = ({ at, value }: { at: string; value: number }): ChartPoint => ({ at_ms: Date.parse(at), least: value, most: value, last: value, samples: 1 });
  const inside = points.map(({ at, min, max, last, samples }) => ({ at_ms: Date.parse(at), least: min, most: max, last, samples }));
  const all = [...(before ? [alone(before)] : []), ...inside, ...(after ? [alone(after)] : [])];
  const first = before ? 1 : 0;
  const line: ChartLine = { points: all, inside: [first, first + inside.length] };
  return figure === "rate" ? rateOf(line) : line;
}

/** A total per second: from each sample to the next. A total that falls began anew. */
function rateOf({ points, inside: [first, end] }: ChartLine): ChartLine {
  const rates: ChartPoint[] = [];
  let kept_first = 0;
  let kept_end = 0;
  points.forEach((point, index) => {
    const last = points[index - 1];
    const seconds = last ? (point.at_ms - last.at_ms) / 1000 : 0;
    if (last && seconds > 0 && point.last >= last.last) {
      const rate = (point.last - last.last) / seconds;
      rates.push({ at_ms: point.at_ms, least: rate, most: rate, last: rate, samples: point.samples });
    }
    if (index < first) kept_first = rates.length;
    if (index < end) kept_end = rates.length;
  });
  return { points: rates, inside: [kept_first, kept_end] };
}

export interface Scale {
  least: number;
  most: number;
  /** Round values, ascending, within. */
  ticks: number[];
}

const STEPS = [1, 2, 2.5, 5, 10];
const TICKS_WANTED = 3;

/** Round ends around all values. From zero, unless the values lie close together far away from it. */
export function scaleOf({ points }: ChartLine, unit: string | null = null): Scale {
  let [least, most] = [Infinity, -Infinity];
  for (const point of points) {
    least = Math.min(least, point.least);
    most = Math.max(most, point.most);
  }
  if (least > most) return { least: 0, most: 1, ticks: [0, 1] };
  if (least > 0 && least < most * 0.75) least = 0;
  if (most < 0 && most > least * 0.75) most = 0;
  if (least === most) {
    // Flat: at half height, or on the ground if it is nothing.
    const room = Math.abs(least) || 1;
    [least, most] = least === 0 ? [0, 1] : [least - room / 2, most + room / 2];
    if (least > 0 && points[0] && points[0].last > 0) least = 0;
  }
  // Round is what is round in the unit that is shown.
  const size = unit === "By" ? 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(most), Math.abs(least))) / 10)) : 1;
  return scaled(least / size, most / size, size);
}

function scaled(least: number, most: number, size: number): Scale {
  const rough = (most - least) / TICKS_WANTED;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const [from, to] = [Math.floor(least / step + 1e-9), Math.ceil(most / step - 1e-9)];
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => Number(((from + index) * step).toPrecision(12)) * size);
  return { least: from * step * size, most: to * step * size, ticks };
}

/** The point that tells about a time: the nearest one; `null` if there is none. */
export function pointAt({ points, inside: [first, end] }: ChartLine, at_ms: number): ChartPoint | null {
  let nearest: ChartPoint | null = null;
  for (const point of points.slice(first, end)) {
    if (!nearest || Math.abs(point.at_ms - at_ms) <= Math.abs(nearest.at_ms - at_ms)) nearest = point;
  }
  return nearest;
}

const SIZES = ["", "k", "M", "G", "T", "P"];
const BYTES = ["B", "KB", "MB", "GB", "TB", "PB"];
const SECONDS: readonly [number, string][] = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
/** UCUM's units of time in seconds. */
const TIMES: Record<string, number> = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** `2.1 MB`, `31 %`, `730 ms`, `17 order`, `12.4 k`: a value with its unit, which is UCUM's. */
export function valueText(value: number, unit: string | null, figure: Figure = "value"): string {
  const per = figure === "rate" ? "/s" : "";
  if (figure === "count") return plain(value);
  if (unit === "By") return withSize(value, 1024, BYTES) + per;
  if (unit === "1") return plain(value) + per;
  const seconds = unit === null ? undefined : TIMES[unit];
  if (seconds !== undefined && per === "") return timeText(value * seconds);
  const word = unit?.replace(/^\{(.*)\}$/, "$1") ?? "";
  return word ? `${plain(value)} ${word}${per}` : plain(value) + per;
}

function plain(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return withSize(value, 1000, SIZES);
  if (size >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
  if (size >= 0.001 || size === 0) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

function withSize(value: number, step: number, names: readonly string[]): string {
  const size = Math.abs(value);
  const at = size < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log(size) / Math.log(step) + 1e-9));
  return `${Number((value / step ** at).toPrecision(3))} ${names[at]}`.trim();
}

function timeText(seconds: number): string {
  const size = Math.abs(seconds);
  if (size >= 120) return `${Number((seconds / 60).toPrecision(3))} min`;
  const [unit, name] = SECONDS.find(([unit]) => size >= unit) ?? (size === 0 ? SECONDS[0] : SECONDS[3]) ?? [1, "s"];
  return `${Number((seconds / unit).toPrecision(3))} ${name}`;
}
