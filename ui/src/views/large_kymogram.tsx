// The life of a session at full width: density as height, severity as colour, errors as notches to hit, the end as it was.

import { createEffect, createMemo, createSignal, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { Density, Session } from "../api/types";
import {
  barsOf, bucketAt, endShape, notchAt, notchesOf, ticksOf, tickText, timeToX, xToTime,
  type Notch, type TimeBucket,
} from "../derive/kymogram";
import { countedText } from "../derive/number";
import { clockText, offsetText, parseTime } from "../derive/time";
import { useApp } from "../state/app";
import type { Palette } from "../state/palette";
import { drawBars, drawBaseline, drawEnd, prepareCanvas } from "./kymogram_draw";
import { kymogramLabel, sessionSpan } from "./row_kymogram";

const NOTCH_HEIGHT = 10;
const BARS_HEIGHT = 52;
const AXIS_HEIGHT = 18;
const HEIGHT = NOTCH_HEIGHT + BARS_HEIGHT + AXIS_HEIGHT;
const BASELINE = NOTCH_HEIGHT + BARS_HEIGHT;
const END_WIDTH = 12;
const NOTCH_REACH = 6;
const TICK_WIDTH_MIN = 84;

export interface LargeKymogramProps {
  session: Session | null;
  density: Density | null;
  /** Time of the selected event. */
  selected_ms: number | null;
  onTime: (time_ms: number) => void;
  onError: (time_ms: number) => void;
}

export function LargeKymogram(props: LargeKymogramProps): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(0);
  const [pointer_x, setPointerX] = createSignal<number | null>(null);
  const life_width = () => Math.max(0, width() - END_WIDTH);
  const buckets = createMemo(() => densityBuckets(props.density));
  const span = createMemo(() =>
    props.session ? sessionSpan(props.session, props.session.state === "running" ? app.now_ms() : 0) : { from_ms: 0, to_ms: 1 },
  );
  const notches = createMemo(() => notchesOf(buckets(), span(), life_width()));
  const hit = createMemo(() => {
    const x = pointer_x();
    return x === null ? null : notchAt(notches(), x, NOTCH_REACH);
  });

  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(canvas);
    onCleanup(() => observer.disconnect());
  });
  createEffect(() => {
    const palette = app.palette();
    const context = prepareCanvas(canvas, width(), HEIGHT);
    if (!context || !props.session || width() === 0) return;
    drawAxis(context, ticksOf(span(), life_width(), TICK_WIDTH_MIN), span().to_ms - span().from_ms, life_width(), palette);
    drawBaseline(context, life_width(), BASELINE, palette);
    drawBars(context, barsOf(buckets(), span(), life_width(), BARS_HEIGHT), NOTCH_HEIGHT, palette);
    drawNotches(context, notches(), hit(), life_width(), palette);
    drawEnd(context, endShape(props.session), life_width(), BASELINE, BARS_HEIGHT * 0.6, palette);
    if (props.selected_ms !== null) drawMarker(context, timeToX(props.selected_ms, span(), life_width()), palette);
  });

  const onClick = () => {
    const x = pointer_x();
    if (x === null || !props.session) return;
    const notch = hit();
    if (notch) props.onError(notch.at_ms);
    else props.onTime(xToTime(x, span(), life_width()));
  };
  return (
    <div class="large-kymogram">
      <canvas
        ref={canvas}
        role="img"
        aria-label={props.session ? kymogramLabel(props.session) : "Kymogram"}
        classList={{ "over-notch": hit() !== null }}
        onPointerMove={(event) => setPointerX(Math.min(event.offsetX, life_width()))}
        onPointerLeave={() => setPointerX(null)}
        onClick={onClick}
      />
      <Show when={props.session?.state === "running"}>
        <span class="moving-edge" style={{ left: `${life_width()}px` }} aria-hidden="true" />
      </Show>
      <Show when={props.session && pointer_x() !== null}>
        <div
          class="kymogram-hint"
          classList={{ "to-left": (pointer_x() ?? 0) > life_width() / 2 }}
          style={{ left: `${pointer_x() ?? 0}px` }}
          aria-hidden="true"
        >
          <Hint time_ms={xToTime(pointer_x() ?? 0, span(), life_width())} from_ms={span().from_ms} buckets={buckets()} notch={hit()} />
        </div>
      </Show>
    </div>
  );
}

function Hint(props: { time_ms: number; from_ms: number; buckets: TimeBucket[]; notch: Notch | null }): JSX.Element {
  const app = useApp();
  const at_ms = () => props.notch?.at_ms ?? props.time_ms;
  const bucket = () => bucketAt(props.buckets, at_ms());
  return (
    <>
      <span>{clockText(at_ms(), app.settings.zone.value())}</span>
      <span class="quiet">{offsetText(at_ms() - props.from_ms)}</span>
      <span>{bucket() ? countedText(bucket()?.count ?? 0, "event") : "nothing"}</span>
      <Show when={(props.notch?.errors ?? bucket()?.errors ?? 0) > 0}>
        <span class="error-count">{countedText(props.notch?.errors ?? bucket()?.errors ?? 0, "error")}</span>
      </Show>
    </>
  );
}

function densityBuckets(density: Density | null): TimeBucket[] {
  if (!density) return [];
  const from_ms = parseTime(density.from);
  const width_ms = density.width_seconds * 1000;
  return density.buckets.map(({ index, count, errors, worst }) => ({
    at_ms: from_ms + index * width_ms, width_ms, count, errors, worst,
  }));
}

function drawAxis(
  context: CanvasRenderingContext2D,
  ticks: readonly number[],
  length_ms: number,
  width: number,
  palette: Palette,
): void {
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  for (const tick_ms of ticks) {
    const x = (tick_ms / length_ms) * width;
    context.fillStyle = palette.line;
    context.fillRect(Math.round(x), BASELINE, 1, 4);
    context.fillStyle = palette.muted;
    const text = tickText(tick_ms);
    // A label that would be cut off at the end is left out; its tick stays.
    if (x + context.measureText(text).width < width) context.fillText(text, Math.round(x) + (tick_ms === 0 ? 0 : 4), HEIGHT - 4);
  }
}

function drawNotches(
  context: CanvasRenderingContext2D,
  notches: readonly Notch[],
  hit: Notch | null,
  width: number,
  palette: Palette,
): void {
  for (const notch of notches) {
    const half = hit?.at_ms === notch.at_ms ? 5 : 3.5;
    const x = Math.min(Math.max(notch.x, half), width - half);
    context.fillStyle = palette.severity.error;
    context.beginPath();
    context.moveTo(x - half, 0);
    context.lineTo(x + half, 0);
    context.lineTo(x, NOTCH_HEIGHT - 2);
    context.closePath();
    context.fill();
  }
}

function drawMarker(context: CanvasRenderingContext2D, x: number, palette: Palette): void {
  context.fillStyle = palette.accent;
  context.fillRect(Math.round(x) - 0.5, 0, 1.5, BASELINE + 4);
}
