// What stands above the list: the tiles, the chart, what is worth opening. Each is a panel of its own.

import type { Accessor } from "solid-js";
import type { SessionCounts, SessionsSummary, Worth } from "../../api/types";
import { scaleOf, zoneOffset, type Scale } from "../../derive/list/chart";
import { baseParams, whichParams } from "../../derive/list/params";
import { absoluteEnds } from "../../derive/list/range";
import { timeParameter } from "../../derive/time";
import type { ListState } from "../../derive/url_state";
import type { App } from "../app";
import { createPanel, type Panel } from "./panel";

export interface ChartAnswer {
  scale: Scale;
  counts: SessionCounts;
}

export interface Figures {
  summary: Panel<SessionsSummary>;
  chart: Panel<ChartAnswer>;
  worth: Panel<Worth[]>;
}

const SUMMARY_GAP_MS = 1_500;
const CHART_GAP_MS = 2_000;
/** It looks at thousands of rows, and "today" is not a matter of seconds. */
const WORTH_GAP_MS = 15_000;

export function createFigures(app: App, list: Accessor<ListState>, active: Accessor<boolean>): Figures {
  const project = () => list().project;
  const summary = createPanel(app, {
    active, project,
    gap_ms: SUMMARY_GAP_MS,
    key: () => JSON.stringify(baseKey(list())),
    read: (signal) => app.api.summary(baseParams(list(), Date.now()), signal),
  });
  const chart = createPanel(app, {
    active, project,
    gap_ms: CHART_GAP_MS,
    key: () => JSON.stringify([baseKey(list()), list().running, list().errors, list().without_errors, app.settings.zone.value()]),
    read: (signal) => readChart(app, list(), signal),
  });
  const worth = createPanel(app, {
    active, project,
    gap_ms: WORTH_GAP_MS,
    key: () => JSON.stringify([list().project, list().filter]),
    // Of today, whatever the range of the list is.
    read: async (signal) => (await app.api.worthOpening({ project: list().project, filter: list().filter || null }, signal)).items,
  });
  return { summary, chart, worth };
}

function baseKey(list: ListState): unknown {
  return [list.project, list.range, list.filter];
}

async function readChart(app: App, list: ListState, signal: AbortSignal): Promise<ChartAnswer> {
  const now_ms = Date.now();
  const params = whichParams(list, now_ms);
  const ends = absoluteEnds(list.range);
  const is_open = list.range === "all" || (ends !== null && ends.from_ms === null);
  const first = is_open ? (await app.api.sessions({ ...params, sort: "started", limit: 1 }, signal)).items[0] : undefined;
  const earliest_ms = first ? Date.parse(first.started_at) : null;
  const scale = scaleOf(list.range, now_ms, earliest_ms, zoneOffset(now_ms, app.settings.zone.value()));
  const counts = await app.api.counts(
    { ...params, from: timeParameter(scale.from_ms), to: timeParameter(scale.to_ms), buckets: scale.count },
    signal,
  );
  return { scale, counts };
}
