// Drawing of kymograms on a canvas. What goes where comes from derive/kymogram.ts; here is only the ink.

import type { Column, EndShape, Notch, Run } from "../../derive/kymogram";
import { placeX, runsOf, type TimeSpan } from "../../derive/kymogram";
import type { Palette } from "../../state/palette";

/** Where the line stands: its ground, the top of the whole drawing, and how thick it is. */
export interface Ground {
  y: number;
  top: number;
  line_width: number;
}

/** Gets the canvas ready for `width` x `height` CSS pixels on whatever screen; `null` where canvas is missing. */
export function prepareCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const pixel_width = Math.round(width * ratio);
  const pixel_height = Math.round(height * ratio);
  if (canvas.width !== pixel_width) canvas.width = pixel_width;
  if (canvas.height !== pixel_height) canvas.height = pixel_height;
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

const BODY_OPACITY = 0.28;

/** The life as a line: pale where nothing happened, over a tinted body where something did. */
export function drawLife(context: CanvasRenderingContext2D, columns: readonly Column[], width: number, ground: Ground, palette: Palette): void {
  const line_y = ground.y - ground.line_width / 2;
  context.lineWidth = ground.line_width;
  context.lineJoin = "round";
  context.lineCap = "butt";
  strokeLine(context, palette.line, [[0, line_y], [width, line_y]]);
  for (const run of runsOf(columns)) drawRun(context, columns, run, line_y, ground, palette);
}

function drawRun(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  run: Run,
  line_y: number,
  ground: Ground,
  palette: Palette,
): void {
  const { line, body } = runPaths(columns, run, line_y);
  context.save();
  context.globalAlpha = BODY_OPACITY;
  context.fillStyle = palette.severity.info;
  context.fill(body);
  context.restore();
  context.strokeStyle = palette.severity.info;
  context.stroke(line);
  for (let index = run.from; index <= run.to; index += 1) {
    if (columns[index]?.worst_height) colourColumn(context, columns, index, { line, body }, ground, palette);
  }
}

/** The line over a run, and the same closed along the ground. Level tangents keep each peak at its height. */
function runPaths(columns: readonly Column[], run: Run, line_y: number): { line: Path2D; body: Path2D } {
  const first = columns[run.from];
  const last = columns[run.to];
  // At the ends of the life there is no column left to rise in.
  const points: [number, number][] = first && first.height > 0 ? [[first.x, line_y]] : [];
  for (const { x, width, height } of columns.slice(run.from, run.to + 1)) points.push([x + width / 2, line_y - Math.max(0, height - 1)]);
  if (last && last.height > 0) points.push([last.x + last.width, line_y]);
  const line = new Path2D();
  points.forEach(([x, y], index) => {
    const before = points[index - 1];
    if (!before) return line.moveTo(x, y);
    const middle_x = (before[0] + x) / 2;
    line.bezierCurveTo(middle_x, before[1], middle_x, y, x, y);
  });
  const body = new Path2D(line);
  body.lineTo(points.at(-1)?.[0] ?? 0, line_y);
  body.lineTo(points[0]?.[0] ?? 0, line_y);
  body.closePath();
  return { line, body };
}

function colourColumn(
  context: CanvasRenderingContext2D,
  columns: readonly Column[],
  index: number,
  { line, body }: { line: Path2D; body: Path2D },
  ground: Ground,
  palette: Palette,
): void {
  const column = columns[index];
  if (!column) return;
  const is_whole = column.worst_height >= column.height;
  // All of a hill is coloured; its slopes lie in the columns beside, where these are empty.
  const slope = (neighbour: Column | undefined) => (is_whole && neighbour?.height === 0 ? neighbour.width / 2 : 0);
  const left = column.x - slope(columns[index - 1]);
  const right = column.x + column.width + slope(columns[index + 1]);
  const bottom = ground.y + ground.line_width;
  const top = is_whole ? ground.top : ground.y - column.worst_height;
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  context.fillStyle = palette.severity[column.severity];
  context.strokeStyle = palette.severity[column.severity];
  context.globalAlpha = is_whole ? 2 * BODY_OPACITY : 1;
  context.fill(body);
  context.globalAlpha = 1;
  if (is_whole) context.stroke(line);
  context.restore();
}

const GAP_WIDTH_MIN = 5;
const GAP_DASH = 3;

/** Where something is missing the line is torn: dots in its place, between two short edges. */
export function drawGap(context: CanvasRenderingContext2D, gap: TimeSpan, span: TimeSpan, width: number, ground: Ground, palette: Palette): void {
  if (gap.to_ms < span.from_ms || gap.from_ms > span.to_ms) return;
  const [from_x, to_x] = [placeX(gap.from_ms, span, width), placeX(gap.to_ms, span, width)];
  const half = Math.max(0, GAP_WIDTH_MIN - (to_x - from_x)) / 2;
  const [left, right] = [Math.max(0, from_x - half), Math.min(width, to_x + half)];
  const y = ground.y - ground.line_width / 2;
  context.fillStyle = palette.background;
  context.fillRect(left, y - 4, right - left, 8);
  context.fillStyle = palette.severity.warn;
  for (const x of [left, right - 1]) context.fillRect(x, y - 4, 1, 8);
  for (let x = left + GAP_DASH; x < right - GAP_DASH / 2; x += 2 * GAP_DASH) context.fillRect(x, y - 0.75, 1.5, 1.5);
}

/** Errors as pins: a head at the top to see and to hit, a stem down to the moment. */
export function drawNotches(
  context: CanvasRenderingContext2D,
  notches: readonly Notch[],
  hit: Notch | null,
  width: number,
  head: number,
  ground: Ground,
  palette: Palette,
): void {
  for (const notch of notches) {
    const is_hit = hit?.at_ms === notch.at_ms;
    const half = is_hit ? head * 0.7 : head * 0.5;
    const x = Math.min(Math.max(notch.x, head * 0.5), Math.max(head * 0.5, width - head * 0.5));
    context.fillStyle = palette.severity[notch.worst];
    context.globalAlpha = is_hit ? 1 : 0.55;
    context.fillRect(x - 0.5, ground.top + head * 0.6, 1, ground.y - ground.top - head * 0.6);
    context.globalAlpha = 1;
    context.beginPath();
    context.moveTo(x - half, ground.top);
    context.lineTo(x + half, ground.top);
    context.lineTo(x, ground.top + half * 1.7);
    context.closePath();
    context.fill();
  }
}

/** The end as what it was. `x`: where the life ends; `room`: pixels after it; `height` of a cap or break. */
export function drawEnd(
  context: CanvasRenderingContext2D,
  shape: EndShape,
  { x, room, height }: { x: number; room: number; height: number },
  ground: Ground,
  palette: Palette,
): void {
  const y = ground.y - ground.line_width / 2;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = Math.max(1.5, ground.line_width);
  switch (shape) {
    case "cap": return strokeLine(context, palette.muted, [[x, y], [x + 1.5, y], [x + 1.5, y - height]]);
    case "fade": return drawFade(context, x, y, room, palette);
    case "break": {
      const points: [number, number][] = [[x, y], [x + 2, y], [x + 3.5, y - height], [x + 6, y + height * 0.1], [x + 7.5, y - height * 0.55], [x + 9, y - height * 0.35]];
      return strokeLine(context, palette.severity.fatal, points);
    }
    case "edge": return drawEdge(context, x, y, room, palette);
    case "open": {
      context.strokeStyle = palette.muted;
      context.beginPath();
      context.arc(x + 4, y - 1, 2, 0, 2 * Math.PI);
      return context.stroke();
    }
  }
}

/** It went silent, nobody saw the end: the line gets lost. */
function drawFade(context: CanvasRenderingContext2D, x: number, y: number, room: number, palette: Palette): void {
  context.fillStyle = palette.muted;
  const steps = Math.max(3, Math.floor(room / 4));
  for (let step = 0; step < steps; step += 1) {
    context.globalAlpha = 1 - step / steps;
    context.fillRect(x + 1.5 + step * 4, y - 0.75, 2, 1.5);
  }
  context.globalAlpha = 1;
}

/** Still being drawn: the pen stands on the line. */
function drawEdge(context: CanvasRenderingContext2D, x: number, y: number, room: number, palette: Palette): void {
  const centre_y = y - 1;
  context.fillStyle = palette.accent;
  context.globalAlpha = 0.25;
  dot(context, x + 3, centre_y, Math.min(room - 4, 5));
  context.globalAlpha = 1;
  dot(context, x + 3, centre_y, 2.5);
}

function strokeLine(context: CanvasRenderingContext2D, colour: string, points: readonly [number, number][]): void {
  context.strokeStyle = colour;
  context.beginPath();
  points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.stroke();
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
