// Drawing of a series on a canvas: the scale behind it, the band from the least to the greatest, the line, the mark.

import { placeX, timeToX, type TimeSpan } from "../../../derive/kymogram";
import type { ChartLine, ChartPoint, Scale } from "../../../derive/over_time/series_chart";
import type { Palette } from "../../../state/palette";

/** As in over_time.css. */
export const CHART_HEIGHT = 84;
/** Room for half a line of text above, and for half a dot below. */
const [TOP, BOTTOM] = [8, CHART_HEIGHT - 5];
const BAND_OPACITY = 0.22;
const DOT = 2;
/** Points that are so far apart, in pixels, have dots: one sees where something was measured. */
const DOTS_APART = 14;

export interface SeriesDrawing {
  line: ChartLine;
  /** Where events are missing: samples may have been among them. */
  gaps: readonly TimeSpan[];
  scale: Scale;
  span: TimeSpan;
  width: number;
  mark_x: number | null;
  chosen: TimeSpan | null;
  /** The point at the mark. */
  at: ChartPoint | null;
  text: (value: number) => string;
  palette: Palette;
}

export function drawSeries(context: CanvasRenderingContext2D, drawing: SeriesDrawing): void {
  const { line, scale, span, width, palette } = drawing;
  const y = (value: number) => BOTTOM - ((value - scale.least) / Math.max(Number.MIN_VALUE, scale.most - scale.least)) * (BOTTOM - TOP);
  const x = (point: ChartPoint) => (span.to_ms - span.from_ms <= 1 ? width / 2 : timeToX(point.at_ms, span, width));
  drawScale(context, drawing, y);
  if (drawing.chosen) drawChosen(context, drawing.chosen, span, width, palette);
  if (drawing.mark_x !== null) {
    context.fillStyle = drawing.chosen ? palette.accent : palette.line;
    context.fillRect(Math.round(drawing.mark_x), 0, 1, CHART_HEIGHT);
  }
  context.save();
  context.beginPath();
  context.rect(-DOT, 0, width + 2 * DOT, CHART_HEIGHT);
  context.clip();
  const { points } = line;
  if (points.length > 1) {
    const band = new Path2D();
    points.forEach((point, index) => (index === 0 ? band.moveTo(x(point), y(point.most)) : band.lineTo(x(point), y(point.most))));
    for (const point of points.toReversed()) band.lineTo(x(point), y(point.least));
    context.fillStyle = palette.accent;
    context.globalAlpha = BAND_OPACITY;
    context.fill(band);
    context.globalAlpha = 1;
  }
  const [curve, guess] = [new Path2D(), new Path2D()];
  points.forEach((point, index) => {
    const last = points[index - 1];
    const is_torn = last && drawing.gaps.some(({ from_ms, to_ms }) => from_ms < point.at_ms && to_ms > last.at_ms);
    if (is_torn) {
      guess.moveTo(x(last), y(last.last));
      guess.lineTo(x(point), y(point.last));
    }
    if (!last || is_torn) curve.moveTo(x(point), y(point.last));
    else curve.lineTo(x(point), y(point.last));
  });
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke(curve);
  // What was between is not here.
  context.lineWidth = 1;
  context.setLineDash([1.5, 4.5]);
  context.stroke(guess);
  context.setLineDash([]);
  context.fillStyle = palette.accent;
  const [first, end] = line.inside;
  if (end - first > 0 && width / (end - first) >= DOTS_APART) for (const point of points.slice(first, end)) dot(context, x(point), y(point.last), DOT);
  if (drawing.at && drawing.mark_x !== null) {
    context.fillStyle = palette.background;
    dot(context, x(drawing.at), y(drawing.at.last), DOT + 2.5);
    context.fillStyle = palette.accent;
    dot(context, x(drawing.at), y(drawing.at.last), DOT + 1);
  }
  context.restore();
  drawLabels(context, drawing, y);
}

/** Lines at round values. */
function drawScale(context: CanvasRenderingContext2D, { scale, width, palette }: SeriesDrawing, y: (value: number) => number): void {
  for (const tick of scale.ticks) {
    const at_y = Math.round(y(tick));
    context.globalAlpha = 0.4;
    context.fillStyle = palette.line;
    context.fillRect(0, at_y, width, 1);
    context.globalAlpha = 1;
  }
}

/** The first and the last value say enough; those in between would lie on the curve. */
function drawLabels(context: CanvasRenderingContext2D, { scale, text, palette }: SeriesDrawing, y: (value: number) => number): void {
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const tick of [scale.ticks[0], scale.ticks.at(-1)]) {
    if (tick === undefined) continue;
    const label = text(tick);
    const at_y = Math.min(Math.max(y(tick), 6), CHART_HEIGHT - 6);
    context.fillStyle = palette.background;
    context.globalAlpha = 0.85;
    context.fillRect(0, at_y - 6, context.measureText(label).width + 6, 12);
    context.globalAlpha = 1;
    context.fillStyle = palette.muted;
    context.fillText(label, 0, at_y);
  }
}

function drawChosen(context: CanvasRenderingContext2D, chosen: TimeSpan, span: TimeSpan, width: number, palette: Palette): void {
  const [from_x, to_x] = [placeX(chosen.from_ms, span, width), placeX(chosen.to_ms, span, width)];
  context.fillStyle = palette.accent;
  context.globalAlpha = 0.16;
  context.fillRect(from_x, 0, to_x - from_x, CHART_HEIGHT);
  context.globalAlpha = 1;
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
