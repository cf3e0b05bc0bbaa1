// The last half minute of a session as a line that moves with each second.

import { createEffect, type JSX } from "solid-js";
import { activityHeights } from "../../derive/live/activity";
import { RATES_MAX } from "../../state/live/live_sessions";
import { useApp } from "../../state/app";
import { prepareCanvas } from "../kymogram/kymogram_draw";

/** As in live.css. */
const [WIDTH, HEIGHT] = [90, 16];
const COLUMN = WIDTH / RATES_MAX;
const GAP = 1;

export function Activity(props: { rates: readonly number[] }): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  createEffect(() => {
    const context = prepareCanvas(canvas, WIDTH, HEIGHT);
    if (!context) return;
    const palette = app.palette();
    context.fillStyle = palette.line;
    context.globalAlpha = 0.5;
    context.fillRect(0, HEIGHT - 1, WIDTH, 1);
    context.globalAlpha = 1;
    context.fillStyle = palette.accent;
    activityHeights(props.rates, HEIGHT).forEach((height, place, all) => {
      if (height > 0) context.fillRect(WIDTH - (all.length - place) * COLUMN, HEIGHT - height, COLUMN - GAP, height);
    });
  });
  return <canvas ref={canvas} class="activity" aria-hidden="true" />;
}
