// Drawing of kymograms on a canvas. What goes where comes from derive/kymogram.ts; here is only the ink.

import type { Bar, EndShape } from "../derive/kymogram";
import { severityRank } from "../derive/severity";
import type { Palette } from "../state/palette";

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

/** The line of the life itself, under the bars. */
export function drawBaseline(context: CanvasRenderingContext2D, width: number, y: number, palette: Palette): void {
  context.fillStyle = palette.line;
  context.fillRect(0, y - 1, width, 1);
}

export function drawBars(context: CanvasRenderingContext2D, bars: readonly Bar[], top: number, palette: Palette): void {
  // By severity, so that an error is never covered by a neighbour that overlaps it by a pixel.
  const ordered = [...bars].sort((left, right) => severityRank(left.severity) - severityRank(right.severity));
  for (const bar of ordered) {
    context.fillStyle = palette.severity.info;
    if (bar.worst_height < bar.height) context.fillRect(bar.x, top + bar.y, bar.width, bar.height);
    context.fillStyle = palette.severity[bar.severity];
    context.fillRect(bar.x, top + bar.y + bar.height - bar.worst_height, bar.width, bar.worst_height);
  }
}

/** The end as what it was. `x`: where the life ends, `y`: the baseline, `height` of the whole drawing. */
export function drawEnd(
  context: CanvasRenderingContext2D,
  shape: EndShape,
  x: number,
  y: number,
  height: number,
  palette: Palette,
): void {
  context.lineWidth = 1.5;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.strokeStyle = palette.muted;
  context.fillStyle = palette.muted;
  switch (shape) {
    case "cap": return line(context, [[x + 1.5, y - height * 0.5], [x + 1.5, y - 0.75]]);
    case "fade": return fade(context, x, y, palette);
    case "break": {
      context.strokeStyle = palette.severity.fatal;
      const step = height / 4;
      return line(context, [[x + 3.5, y - 4 * step + 1], [x + 1, y - 2.5 * step], [x + 4, y - 1.5 * step], [x + 1.5, y - 0.75]]);
    }
    case "edge": {
      context.fillStyle = palette.accent;
      return dot(context, x + 3, y - 2.5, 2.5);
    }
    case "open": return dot(context, x + 3, y - 1.5, 1);
  }
}

function line(context: CanvasRenderingContext2D, points: readonly [number, number][]): void {
  context.beginPath();
  points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.stroke();
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** Three dots that get smaller: it went silent, nobody saw the end. */
function fade(context: CanvasRenderingContext2D, x: number, y: number, palette: Palette): void {
  context.fillStyle = palette.muted;
  [1.1, 0.8, 0.5].forEach((radius, index) => dot(context, x + 1 + index * 2.6, y - 1, radius));
}
