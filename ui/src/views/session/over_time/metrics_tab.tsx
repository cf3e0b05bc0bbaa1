// The metrics that a program recorded, as curves on the kymogram's axis; which ones is chosen, and in the address.

import { createMemo, For, Show, type JSX } from "solid-js";
import type { MetricSeries, SeriesList } from "../../../api/types";
import { CHARTS_MAX } from "../../../derive/url_state";
import { chartsAtFirst, chartText, parseChart, type ChartChoice } from "../../../derive/over_time/chart_choice";
import { countText, countedText } from "../../../derive/number";
import { useApp } from "../../../state/app";
import { createDelayed } from "../../../state/refresh";
import { createSeriesList, type Looked } from "../../../state/over_time/over_time";
import { Failure } from "../../parts/failure";
import type { Axis } from "./axis";
import { SeriesChart } from "./series_chart";
import { SeriesMenu } from "./series_menu";

export interface MetricsTabProps {
  looked: Looked;
  axis: Axis;
  /** As in the address; none: as the page chooses. */
  charts: readonly string[];
  onCharts: (charts: readonly string[]) => void;
}

export function MetricsTab(props: MetricsTabProps): JSX.Element {
  const list = createSeriesList(useApp(), props.looked);
  const waiting = createDelayed(() => list.value() === null && list.failure() === null);
  return (
    <div class="over-time" id="tab-panel" role="tabpanel" aria-labelledby="tab-metrics" tabindex="0" data-keys="own">
      <div class="over-time-body">
        <Show when={list.failure()}>
          {(failure) => <Failure what="The metrics could not be read." detail={failure().text} onRetry={() => void list.reload()} />}
        </Show>
        <Show when={waiting()}><p class="quiet" aria-busy="true">Reading the metrics…</p></Show>
        <Show when={list.value()}>
          {(found) => (
            <Show when={found().items.length > 0} fallback={<NoMetrics />}>
              <Charts {...props} list={found()} />
            </Show>
          )}
        </Show>
      </div>
    </div>
  );
}

function NoMetrics(): JSX.Element {
  return (
    <p class="empty quiet">
      This session has no metrics. Programs record them with Kymo's library: by the macros of the crate <span class="mono">metrics</span>, by single samples, and once a minute those of
      the process.
    </p>
  );
}

function Charts(props: MetricsTabProps & { list: SeriesList }): JSX.Element {
  const chosen = createMemo<ChartChoice[]>(() =>
    props.charts.length > 0 ? props.charts.map(parseChart) : chartsAtFirst(props.list.items),
  );
  // By their words, so that a chart stays what it is while others come and go.
  const texts = createMemo(() => [...new Set(chosen().map(chartText))]);
  const find = (id: string): MetricSeries | undefined => props.list.items.find((series) => series.id === id);
  const put = (charts: readonly string[]) => props.onCharts([...new Set(charts)].slice(0, CHARTS_MAX));
  return (
    <>
      <div class="metrics-head">
        <SeriesMenu
          list={props.list}
          chosen={chosen().map(({ series }) => series)}
          onToggle={(id) => {
            const rest = chosen().filter(({ series }) => series !== id).map(chartText);
            put(rest.length < chosen().length ? rest : [...texts(), id]);
          }}
        />
        <span class="quiet">
          {countText(texts().length)} of {countedText(props.list.items.length, "series", "series")}
          <Show when={props.list.left_out > 0}>, those with the most samples: {countText(props.list.left_out)} more are not listed</Show>
        </span>
      </div>
      <ul class="metrics">
        <For each={texts()}>
          {(text) => {
            const chart = parseChart(text);
            const replace = (by: readonly string[]) => put(texts().flatMap((one) => (one === text ? by : [one])));
            return (
              <Show when={find(chart.series)} fallback={<UnknownSeries id={chart.series} onRemove={() => replace([])} />}>
                {(series) => (
                  <SeriesChart
                    looked={props.looked} axis={props.axis} series={series()} chart={chart} is_only={texts().length === 1}
                    onFigure={(figure) => replace([chartText({ ...chart, figure })])}
                    onRemove={() => replace([])}
                  />
                )}
              </Show>
            );
          }}
        </For>
      </ul>
    </>
  );
}

function UnknownSeries(props: { id: string; onRemove: () => void }): JSX.Element {
  return (
    <li class="metric">
      <div class="metric-head">
        <span class="metric-name mono">{props.id}</span> <span class="quiet">This session has no such series.</span>
        <button type="button" class="button small metric-remove" onClick={() => props.onRemove()}>Remove</button>
      </div>
    </li>
  );
}
