// Which charts of a session's metrics are shown, and how the address names them.

import type { MetricSeries } from "../../api/types";

export type Figure = "value" | "rate" | "count" | "sum" | "mean" | "min" | "max" | "p90" | "p99";

/** One chart: a series, and what of it is drawn. */
export interface ChartChoice {
  series: string;
  figure: Figure;
}

const OF_SUMMARY: readonly { figure: Figure; label: string }[] = [
  { figure: "value", label: "median" }, { figure: "p90", label: "90 %" }, { figure: "p99", label: "99 %" }, { figure: "max", label: "greatest" },
  { figure: "min", label: "least" }, { figure: "mean", label: "mean" }, { figure: "count", label: "count" }, { figure: "sum", label: "sum" },
];
const OF_TOTAL: readonly { figure: Figure; label: string }[] = [{ figure: "value", label: "total" }, { figure: "rate", label: "per second" }];
const NAMES: readonly string[] = ["rate", ...OF_SUMMARY.map(({ figure }) => figure)];

/** What can be drawn of a series; nothing to choose where it is its value alone. */
export function figuresOf(series: MetricSeries): readonly { figure: Figure; label: string }[] {
  if (series.is_summary) return OF_SUMMARY;
  return series.aggregation === "total" ? OF_TOTAL : [];
}

/** `p99~shop.checkout`; the value goes without a word. */
export function chartText({ series, figure }: ChartChoice): string {
  return figure === "value" ? series : `${figure}~${series}`;
}

export function parseChart(text: string): ChartChoice {
  const at = text.indexOf("~");
  const figure = at > 0 ? text.slice(0, at) : "";
  return NAMES.includes(figure) ? { series: text.slice(at + 1), figure: figure as Figure } : { series: text, figure: "value" };
}

/** Shown while nobody has chosen: the program's own first, then what the process needed. */
const SHOWN_AT_FIRST = 4;
const OWN_AT_FIRST = 2;
const OF_PROCESS = ["process.cpu.utilization", "process.memory.usage", "process.thread.count"];

export function chartsAtFirst(all: readonly MetricSeries[]): ChartChoice[] {
  const own = all.filter(({ category, samples }) => category !== SYSTEM_CATEGORY && samples > 1);
  const of_process = OF_PROCESS.flatMap((name) => all.filter((series) => series.name === name));
  const some = [...own.slice(0, OWN_AT_FIRST), ...of_process, ...own.slice(OWN_AT_FIRST), ...all];
  return [...new Set(some)].slice(0, SHOWN_AT_FIRST).map(({ id }) => ({ series: id, figure: "value" }));
}

/** Of samples that the agent takes by itself. */
export const SYSTEM_CATEGORY = "metrics.system";

/** `till="3", desk="a"`; empty without labels. */
export function labelsText({ labels }: MetricSeries): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(", ");
}
