// Events counted by time, in as little room as is wanted: buckets become twice as wide when there are too many.

import type { SeverityLevel } from "../../api/types";
import { worse } from "../severity";

export interface TimeSum {
  at_ms: number;
  count: number;
  errors: number;
  worst: SeverityLevel;
}

export interface TimeSums {
  width_ms: number;
  /** By their place in the grid that begins in 1970; in the order in which they came. */
  entries: TimeSum[];
  /** Which of them is at which place. */
  places: Map<number, TimeSum>;
}

/** Finer than the columns of any drawing of the sessions that need this. */
const WIDTH_MS_FIRST = 64;
/** As many as the server gives of a session. */
const ENTRIES_MAX = 512;

export function noSums(): TimeSums {
  return { width_ms: WIDTH_MS_FIRST, entries: [], places: new Map() };
}

/** Takes `sums` over: what is added to must not be used any more. */
export function withSum(sums: TimeSums, added: TimeSum): TimeSums {
  const place = Math.floor(added.at_ms / sums.width_ms);
  const known = sums.places.get(place);
  if (known) {
    addTo(known, added);
    return sums;
  }
  const sum = { ...added, at_ms: place * sums.width_ms };
  sums.places.set(place, sum);
  sums.entries.push(sum);
  return sums.entries.length > ENTRIES_MAX ? wider(sums) : sums;
}

function wider(sums: TimeSums): TimeSums {
  const next: TimeSums = { width_ms: sums.width_ms * 2, entries: [], places: new Map() };
  return sums.entries.reduce(withSum, next);
}

function addTo(sum: TimeSum, { count, errors, worst }: TimeSum): void {
  sum.count += count;
  sum.errors += errors;
  sum.worst = worse(sum.worst, worst);
}
