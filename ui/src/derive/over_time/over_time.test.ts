// What is drawn of metrics: charts in the address, lines, scales, values in words.

import { expect, test } from "vitest";
import type { MetricSeries, SeriesPoints } from "../../api/types";
import { chartsAtFirst, chartText, figuresOf, parseChart } from "./chart_choice";
import { lineOf, pointAt, scaleOf, valueText } from "./series_chart";

const at = (second: number) => new Date(1_790_000_000_000 + second * 1000).toISOString();

function points(values: [number, number][], more: Partial<SeriesPoints> = {}): SeriesPoints {
  const found = values.map(([second, value], index) => ({ index, at: at(second), samples: 1, min: value, max: value, last: value }));
  return { from: at(0), to: at(60), width_seconds: 1, points: found, before: null, after: null, ...more };
}

function series(id: string, more: Partial<MetricSeries> = {}): MetricSeries {
  return {
    id, name: id, labels: {}, unit: null, aggregation: "gauge", is_summary: false, category: "metrics", samples: 9, min: 0, max: 1, last: 1,
    first_at: at(0), last_at: at(60), ...more,
  };
}

test("a chart comes back from the address", () => {
  for (const chart of [{ series: "a", figure: "value" }, { series: 'a{b="x~y"}', figure: "p99" }, { series: "rate", figure: "rate" }] as const) {
    expect(parseChart(chartText(chart))).toEqual(chart);
  }
  expect(parseChart("odd~name")).toEqual({ series: "odd~name", figure: "value" });
});

test("the program's own series come first, then what the process needed", () => {
  const system = ["process.cpu.time", "process.cpu.utilization", "process.memory.usage"].map((id) => series(id, { category: "metrics.system" }));
  const own = ["a", "b", "c", "d"].map((id) => series(id));
  expect(chartsAtFirst([...own, ...system]).map((chart) => chart.series)).toEqual(["a", "b", "process.cpu.utilization", "process.memory.usage"]);
  expect(chartsAtFirst(system).map((chart) => chart.series)[0]).toBe("process.cpu.utilization");
  expect(chartsAtFirst([])).toEqual([]);
  expect(figuresOf(series("a", { aggregation: "total" })).length).toBe(2);
});

test("the line goes on beyond the range", () => {
  const line = lineOf(points([[10, 1], [20, 3]], { before: { at: at(-5), value: 0 }, after: { at: at(70), value: 4 } }), "value");
  expect(line.points.map(({ last }) => last)).toEqual([0, 1, 3, 4]);
  expect(line.inside).toEqual([1, 3]);
  expect(pointAt(line, Date.parse(at(69)))?.last).toBe(3);
  expect(pointAt(lineOf(points([]), "value"), 0)).toBeNull();
});

test("a total per second", () => {
  const line = lineOf(points([[10, 5], [20, 25], [30, 5], [40, 5]], { before: { at: at(0), value: 5 } }), "rate");
  expect(line.points.map(({ last }) => last)).toEqual([0, 2, 0]);
  expect(line.inside).toEqual([0, 3]);
});

test("scales are round and begin at zero unless that is far away", () => {
  const of = (...values: number[]) => scaleOf(lineOf(points(values.map((value, index) => [index, value])), "value"));
  expect(of(3, 17)).toEqual({ least: 0, most: 20, ticks: [0, 10, 20] });
  expect(of(980, 1000)).toMatchObject({ least: 980, most: 1000 });
  expect(of(5)).toMatchObject({ least: 0 });
  expect(of(0)).toMatchObject({ least: 0, most: 1 });
  expect(of(-4, 4)).toMatchObject({ least: -5, most: 5 });
  expect(scaleOf(lineOf(points([[0, 2_000_000], [1, 3_190_000]]), "value"), "By").most).toBe(4 * 1024 * 1024);
  expect(of()).toMatchObject({ least: 0, most: 1 });
});

test("values with their units", () => {
  const rows: [number, string | null, string][] = [
    [2_202_009, "By", "2.1 MB"], [0, "By", "0 B"], [0.0314, "1", "0.0314"], [0.731, "s", "731 ms"], [1500, "ms", "1.5 s"], [600, "s", "10 min"],
    [17, "{order}", "17 order"], [12_400, null, "12.4 k"], [1234, null, "1,234"], [-3, null, "-3"], [0, "s", "0 s"], [1e-5, null, "1.0e-5"],
  ];
  for (const [value, unit, text] of rows) expect(valueText(value, unit)).toBe(text);
  expect(valueText(2, "{order}", "rate")).toBe("2 order/s");
  expect(valueText(2048, "By", "rate")).toBe("2 KB/s");
  expect(valueText(2, "s", "count")).toBe("2");
});
