// One series as a curve: what was measured, by pointer, by keys, and as a table.

import { createEffect, createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { MetricSeries } from "../../../api/types";
import { figuresOf, labelsText, type ChartChoice, type Figure } from "../../../derive/over_time/chart_choice";
import { lineOf, pointAt, scaleOf, valueText, type ChartLine, type ChartPoint } from "../../../derive/over_time/series_chart";
import { countedText, countText } from "../../../derive/number";
import { absoluteText, clockText, offsetText } from "../../../derive/time";
import { useApp } from "../../../state/app";
import { createSeries, type Looked } from "../../../state/over_time/over_time";
import { createBrush } from "../../kymogram/brush";
import { prepareCanvas } from "../../kymogram/kymogram_draw";
import { Failure } from "../../parts/failure";
import { createAxisWidth, type Axis } from "./axis";
import { CHART_HEIGHT, drawSeries } from "./series_draw";

export interface SeriesChartProps {
  looked: Looked;
  axis: Axis;
  series: MetricSeries;
  chart: ChartChoice;
  /** None can be taken away. */
  is_only: boolean;
  onFigure: (figure: Figure) => void;
  onRemove: () => void;
}

const NO_LINE: ChartLine = { points: [], inside: [0, 0] };

export function SeriesChart(props: SeriesChartProps): JSX.Element {
  const { axis } = props;
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const loaded = createSeries(app, props.looked, () => props.chart);
  const line = createMemo(() => {
    const points = loaded.value();
    return points ? lineOf(points, props.chart.figure) : NO_LINE;
  });
  const scale = createMemo(() => scaleOf(line(), props.chart.figure === "count" ? null : props.series.unit));
  const { width, life_width } = createAxisWidth(axis, () => canvas);
  const brush = createBrush({ ...axis, width: life_width, onClick: () => undefined });
  const at = createMemo(() => {
    const mark_ms = axis.mark[0]();
    return mark_ms === null ? null : pointAt(line(), mark_ms);
  });
  const text = (value: number) => valueText(value, props.series.unit, props.chart.figure);
  createEffect(() => {
    const context = prepareCanvas(canvas, width(), CHART_HEIGHT);
    if (!context || width() === 0) return;
    drawSeries(context, {
      line: line(), gaps: axis.gaps(), scale: scale(), span: axis.span(), width: life_width(), mark_x: brush.x(), chosen: brush.chosen(), at: at(), text, palette: app.palette(),
    });
  });
  const name = () => [props.series.name, labelsText(props.series)].filter(Boolean).join(", ");
  return (
    <li class="metric">
      <ChartHead {...props} line={line()} at={at()} text={text} />
      <div class="metric-frame">
        <canvas
          ref={canvas}
          class="metric-canvas"
          role="slider"
          tabindex="0"
          data-keys="own"
          aria-label={`${name()}. Time in the session`}
          aria-valuemin={0}
          aria-valuemax={Math.round(axis.span().to_ms - axis.span().from_ms)}
          aria-valuenow={Math.round((axis.mark[0]() ?? axis.span().from_ms) - axis.span().from_ms)}
          aria-valuetext={pointText(at(), axis.life().from_ms, text)}
          onPointerDown={brush.onPointerDown}
          onPointerMove={brush.onPointerMove}
          onPointerUp={brush.onPointerUp}
          onPointerLeave={brush.onPointerLeave}
          onPointerCancel={brush.onPointerCancel}
          on:keydown={brush.onKeyDown}
          onBlur={brush.onBlur}
        />
        <Show when={loaded.failure()}>
          {(failure) => <Failure what="This series could not be read." detail={failure().text} onRetry={() => void loaded.reload()} />}
        </Show>
        <Show when={loaded.value() && line().inside[0] === line().inside[1]}>
          <p class="metric-empty quiet">Nothing was measured in this time.</p>
        </Show>
      </div>
      <ValueTable line={line()} name={name()} text={text} life_from_ms={axis.life().from_ms} />
    </li>
  );
}

function pointText(point: ChartPoint | null, life_from_ms: number, text: (value: number) => string): string {
  return point ? `${offsetText(point.at_ms - life_from_ms)}, ${rangeText(point, text)}` : "no value";
}

/** One value, or what several lie between. */
function rangeText({ least, most, last }: ChartPoint, text: (value: number) => string): string {
  return text(least) === text(most) ? text(last) : `${text(last)}, from ${text(least)} to ${text(most)}`;
}

/** Its name, what of it is drawn, and the value at the mark, else the last one. */
function ChartHead(props: SeriesChartProps & { line: ChartLine; at: ChartPoint | null; text: (value: number) => string }): JSX.Element {
  const app = useApp();
  const inside = () => props.line.points.slice(...props.line.inside);
  const shown = () => props.at ?? inside().at(-1) ?? null;
  const ends = () => {
    const points = inside();
    return points.length > 0 ? [Math.min(...points.map(({ least }) => least)), Math.max(...points.map(({ most }) => most))] as const : null;
  };
  return (
    <div class="metric-head">
      <h2 class="metric-name">{props.series.name} <span class="quiet">{labelsText(props.series)}</span></h2>
      <Show when={figuresOf(props.series).length > 0}>
        <select class="small-select" aria-label={`What is shown of ${props.series.name}`} onChange={(event) => props.onFigure(event.currentTarget.value as Figure)}>
          <For each={figuresOf(props.series)}>
            {({ figure, label }) => <option value={figure} selected={figure === props.chart.figure}>{label}</option>}
          </For>
        </select>
      </Show>
      <Show when={ends()}>{(range) => <span class="quiet metric-ends">{props.text(range()[0])} to {props.text(range()[1])}</span>}</Show>
      <Show when={shown()}>
        {(point) => (
          <span class="metric-value" classList={{ "is-marked": props.at !== null }}>
            <span class="quiet">{props.at ? clockText(point().at_ms, app.settings.zone.value()) : "last"}</span>{" "}
            <strong>{rangeText(point(), props.text)}</strong>
          </span>
        )}
      </Show>
      <button type="button" class="button small metric-remove" aria-label={`Take away ${props.series.name}`} title="Take away" disabled={props.is_only} onClick={() => props.onRemove()}>×</button>
    </div>
  );
}

function ValueTable(props: { line: ChartLine; name: string; text: (value: number) => string; life_from_ms: number }): JSX.Element {
  const app = useApp();
  const [open, setOpen] = createSignal(false);
  const inside = () => props.line.points.slice(...props.line.inside);
  return (
    <details class="metric-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="quiet">As a table</summary>
      <Show when={open()}>
        <div class="table-scroll" tabindex="0" role="group" aria-label={`Values of ${props.name}`}>
          <table>
            <thead><tr><th scope="col">Time</th><th scope="col">From start</th><th scope="col">Value</th><th scope="col">Least</th><th scope="col">Greatest</th><th scope="col">Samples</th></tr></thead>
            <tbody>
              <For each={inside()}>
                {(point) => (
                  <tr>
                    <td>{absoluteText(point.at_ms, app.settings.zone.value())}</td><td>{offsetText(point.at_ms - props.life_from_ms)}</td>
                    <td class="number">{props.text(point.last)}</td><td class="number">{props.text(point.least)}</td><td class="number">{props.text(point.most)}</td>
                    <td class="number">{countText(point.samples)}</td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
          <p class="quiet">{countedText(inside().length, "stretch", "stretches")} of time that hold a sample; the last value of each.</p>
        </div>
      </Show>
    </details>
  );
}
