// The ink of the chart. What goes where comes from derive/list/chart.ts.

import type { Bar } from "../../derive/list/chart";
import type { Palette } from "../../state/palette";

export interface ChartInk {
  bars: readonly Bar[];
  width: number;
  height: number;
  /** Bucket under the pointer or the keyboard's cursor. */
  cursor: number | null;
  /** Pixels from where to where a range is being chosen. */
  chosen: { from: number; to: number } | null;
  /** Pixels of a bucket. */
  pitch: number;
}

const BODY_OPACITY = 0.5;

export function drawChart(context: CanvasRenderingContext2D, ink: ChartInk, palette: Palette): void {
  const { width, height, pitch } = ink;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.globalAlpha = 0.5;
  strokeAt(context, 0.5, width);
  context.globalAlpha = 1;
  if (ink.chosen) wash(context, ink.chosen.from, ink.chosen.to - ink.chosen.from, height, palette.accent);
  else if (ink.cursor !== null) wash(context, ink.cursor * pitch, pitch, height, palette.muted);
  for (const bar of ink.bars) {
    const is_lit = bar.index === ink.cursor;
    context.globalAlpha = is_lit ? 0.85 : BODY_OPACITY;
    context.fillStyle = palette.severity.info;
    context.fillRect(bar.x, height - bar.height, bar.width, bar.height - bar.error_height);
    context.globalAlpha = 1;
    context.fillStyle = palette.severity.error;
    context.fillRect(bar.x, height - bar.error_height, bar.width, bar.error_height);
  }
  strokeAt(context, height - 0.5, width);
}

function strokeAt(context: CanvasRenderingContext2D, y: number, width: number): void {
  context.beginPath();
  context.moveTo(0, y);
  context.lineTo(width, y);
  context.stroke();
}

function wash(context: CanvasRenderingContext2D, x: number, width: number, height: number, colour: string): void {
  context.globalAlpha = 0.16;
  context.fillStyle = colour;
  context.fillRect(x, 0, width, height);
  context.globalAlpha = 1;
}
