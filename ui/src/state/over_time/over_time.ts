// What is asked of a session over time beside its events: its threads, its series, one series. Read again when it changes.

import { createEffect, createMemo, on, onCleanup, type Accessor } from "solid-js";
import type { Params } from "../../api/client";
import type { SeriesList, SeriesPoints, Threads } from "../../api/types";
import type { TimeSpan } from "../../derive/kymogram";
import { timeParameter } from "../../derive/time";
import type { ChartChoice } from "../../derive/over_time/chart_choice";
import type { App } from "../app";
import { createLoaded, type Loaded } from "../reading/loaded";
import { createCoalesced } from "../refresh";

/** Of which session, and what part of its life is looked at. */
export interface Looked {
  id: Accessor<string>;
  /** `null`: all of it. */
  range: Accessor<TimeSpan | null>;
  /** Another value: the session has changed. */
  changes: Accessor<unknown>;
}

/** Scans cost more than a page of events, and a curve that is seconds old is as good. */
const REFRESH_GAP_MS = 5_000;
const POINTS = 512;
const LANES = 24;

export function createThreads(app: App, looked: Looked): Loaded<Threads> {
  return createOverTime(app, looked, (params, signal) => app.api.threads(looked.id(), { ...params, lanes: LANES }, signal));
}

export function createSeriesList(app: App, looked: Looked): Loaded<SeriesList> {
  return createOverTime(app, { ...looked, range: () => null }, (_, signal) => app.api.metrics(looked.id(), signal));
}

export function createSeries(app: App, looked: Looked, chart: Accessor<ChartChoice>): Loaded<SeriesPoints> {
  const asked = () => {
    const { series, figure } = chart();
    // What is drawn per second is made of the total.
    return { series, figure: figure === "value" || figure === "rate" ? null : figure, points: POINTS };
  };
  return createOverTime(app, looked, (params, signal) => app.api.metricPoints(looked.id(), { ...params, ...asked() }, signal), asked);
}

function createOverTime<Value>(
  app: App,
  { id, range, changes }: Looked,
  read: (params: Params, signal: AbortSignal) => Promise<Value>,
  asked: () => unknown = () => null,
): Loaded<Value> {
  const params = (): Params => {
    const span = range();
    return span ? { from: timeParameter(span.from_ms), to: timeParameter(span.to_ms) } : {};
  };
  const key = createMemo(() => JSON.stringify([id(), params(), asked()]));
  // While another part is read the one before stays: what is looked at does not blink.
  let last: Value | null = null;
  const loaded = createLoaded(key, async (_, signal) => (last = await read(params(), signal)));
  createEffect(on(id, () => void (last = null)));
  let is_over = false;
  onCleanup(() => (is_over = true));
  createEffect(on(changes, createCoalesced(async () => (is_over ? undefined : loaded.reload()), REFRESH_GAP_MS), { defer: true }));
  // After a reconnect, what failed is tried again.
  app.onChanged((changed) => changed === null && loaded.failure() !== null && void loaded.reload());
  return { ...loaded, value: () => loaded.value() ?? (loaded.failure() === null ? last : null) };
}
