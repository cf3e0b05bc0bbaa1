// The part of a life that is looked at: drawn with the pointer, moved and made larger or smaller with keys. Pure.

import type { TimeSpan } from "../kymogram";

/** Less than a few pixels is a click that trembled. */
export const BRUSH_PIXELS_MIN = 4;
/** Below this there is nothing more to see. */
const RANGE_MS_MIN = 2;

/** Whole milliseconds, as the address has them; never less than the least, never beyond `life`. */
export function rangeBetween(one_ms: number, other_ms: number, life: TimeSpan): TimeSpan {
  const from_ms = Math.max(Math.floor(Math.min(one_ms, other_ms)), Math.floor(life.from_ms));
  const to_ms = Math.min(Math.ceil(Math.max(one_ms, other_ms)), endOf(life));
  return { from_ms: Math.min(from_ms, to_ms - RANGE_MS_MIN), to_ms };
}

/** `factor` below 1 goes nearer. `null`: all of the life. */
export function zoomed(span: TimeSpan, at_ms: number, factor: number, life: TimeSpan): TimeSpan | null {
  const length_ms = Math.max(RANGE_MS_MIN, (span.to_ms - span.from_ms) * factor);
  if (length_ms >= endOf(life) - life.from_ms) return null;
  const share = (at_ms - span.from_ms) / Math.max(1, span.to_ms - span.from_ms);
  const from_ms = clamp(at_ms - share * length_ms, life.from_ms, endOf(life) - length_ms);
  return rangeBetween(from_ms, from_ms + length_ms, life);
}

/** Earlier or later by a share of its length, to the ends of the life at most. */
export function shifted(span: TimeSpan, share: number, life: TimeSpan): TimeSpan {
  const length_ms = span.to_ms - span.from_ms;
  const from_ms = clamp(span.from_ms + share * length_ms, Math.floor(life.from_ms), Math.max(life.from_ms, endOf(life) - length_ms));
  return rangeBetween(from_ms, from_ms + length_ms, life);
}

/** The end of a range is not part of it, the last event of a life is. */
function endOf(life: TimeSpan): number {
  return Math.floor(life.to_ms) + 1;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
