// The density of a session that is followed: what the server counted of what is stored, and what has come since.

import type { Density, DensityBucket, Gap } from "../../api/types";
import { isGap, isSessionError, type Tail, type TailEntry } from "../events/tail";
import { worse } from "../severity";
import { parseTime } from "../time";
import type { TimeSum } from "./time_sums";

/** As many as are asked of the server. */
const BUCKETS_MAX = 256;

/** `stored` counts nothing that is in the tail. `life` is what there is of the session, in milliseconds. */
export function densityWith(stored: Density | null, tail: Tail, life: { from_ms: number; to_ms: number }): Density | null {
  if (tail.entries.length === 0) return stored;
  const grid = gridOf(stored, life);
  const buckets = new Map<number, DensityBucket>(grid.stored.map((bucket) => [bucket.index, { ...bucket }]));
  const add = ({ at_ms, count, errors, worst }: TimeSum) => {
    const index = Math.max(0, Math.floor((at_ms - grid.from_ms) / grid.width_ms));
    const known = buckets.get(index) ?? { index, count: 0, errors: 0, worst };
    buckets.set(index, { index, count: known.count + count, errors: known.errors + errors, worst: worse(known.worst, worst) });
  };
  for (const entry of tail.entries) {
    if (!isGap(entry)) add({ at_ms: parseTime(entry.time), count: 1, errors: isSessionError(entry) ? 1 : 0, worst: entry.severity });
    else for (const sum of entry.sums.entries) add({ ...sum, at_ms: sum.at_ms + entry.sums.width_ms / 2 });
  }
  return {
    from: new Date(grid.from_ms).toISOString(),
    to: new Date(Math.max(life.to_ms, grid.from_ms)).toISOString(),
    width_seconds: grid.width_ms / 1000,
    buckets: [...buckets.values()].sort((one, other) => one.index - other.index),
    gaps: [...(stored?.gaps ?? []), ...gapsIn(tail.entries)],
  };
}

interface Grid {
  from_ms: number;
  width_ms: number;
  stored: DensityBucket[];
}

function gridOf(stored: Density | null, { from_ms, to_ms }: { from_ms: number; to_ms: number }): Grid {
  if (stored && stored.buckets.length > 0 && stored.width_seconds > 0) {
    return widened({ from_ms: parseTime(stored.from), width_ms: stored.width_seconds * 1000, stored: stored.buckets }, to_ms);
  }
  return widened({ from_ms, width_ms: 1, stored: [] }, to_ms);
}

/** Buckets of a moment that is over would be finer than what can be drawn of all there is since. */
function widened(grid: Grid, to_ms: number): Grid {
  let { width_ms } = grid;
  let step = 1;
  while ((to_ms - grid.from_ms) / width_ms > BUCKETS_MAX * 2) {
    width_ms *= 2;
    step *= 2;
  }
  if (step === 1) return grid;
  const stored = new Map<number, DensityBucket>();
  for (const bucket of grid.stored) {
    const index = Math.floor(bucket.index / step);
    const known = stored.get(index);
    stored.set(index, known
      ? { index, count: known.count + bucket.count, errors: known.errors + bucket.errors, worst: worse(known.worst, bucket.worst) }
      : { ...bucket, index });
  }
  return { from_ms: grid.from_ms, width_ms, stored: [...stored.values()] };
}

/** From the event before to the one after: when those were that are missing is not known better. */
function gapsIn(entries: readonly TailEntry[]): Gap[] {
  return entries.flatMap((entry, place) => {
    if (!isGap(entry) || entry.gap === "dropped") return [];
    const before = entries.slice(0, place).findLast((one) => !isGap(one));
    const after = entries.slice(place + 1).find((one) => !isGap(one));
    if (!before || !after || isGap(before) || isGap(after)) return [];
    return [{ from: before.time, to: after.time, events: entry.last - entry.first + 1 }];
  });
}
