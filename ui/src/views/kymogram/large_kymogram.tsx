// The life of a session at full width: density as height, severity as colour, errors as notches to hit, the end as it was.

import { createEffect, createMemo, createSignal, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { Density, Session } from "../../api/types";
import {
  bucketAt, columnsOf, endShape, lifeWidth, notchAt, notchesOf, placeX, ticksOf, tickText, xToTime,
  type Notch, type TimeBucket,
} from "../../derive/kymogram";
import { countedText } from "../../derive/number";
import { clockText, offsetText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import type { Palette } from "../../state/palette";
import { drawEnd, drawLife, drawNotches, prepareCanvas } from "./kymogram_draw";
import { kymogramLabel, sessionSpan } from "./row_kymogram";

const NOTCH_HEAD = 9;
const LINE_HEIGHT = 60;
const AXIS_HEIGHT = 20;
const GROUND = { y: NOTCH_HEAD + LINE_HEIGHT + 3, top: 1, line_width: 1.5 };
/** As in session.css. */
const HEIGHT = GROUND.y + AXIS_HEIGHT;
const END_WIDTH = 16;
/** Of a session that is over at once. */
const MOMENT_WIDTH = 40;
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
  const life_width = () => lifeWidth(span(), Math.max(0, width() - END_WIDTH), MOMENT_WIDTH);
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
    const columns = columnsOf(buckets(), span(), { width: life_width(), height: LINE_HEIGHT, pitch: 4, height_min: 4, worst_height_min: 3 });
    const x = pointer_x();
    drawAxis(context, ticksOf(span(), life_width(), TICK_WIDTH_MIN), span().to_ms - span().from_ms, life_width(), palette);
    if (x !== null) drawMarker(context, x, 1, palette.line);
    drawLife(context, columns, life_width(), GROUND, palette);
    drawNotches(context, notches(), hit(), life_width(), NOTCH_HEAD, GROUND, palette);
    drawEnd(context, endShape(props.session), { x: life_width(), room: END_WIDTH, height: 26 }, GROUND, palette);
    if (props.selected_ms !== null) drawSelected(context, placeX(props.selected_ms, span(), life_width()), palette);
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
    const x = Math.round((tick_ms / length_ms) * width);
    context.fillStyle = palette.line;
    context.globalAlpha = 0.35;
    if (tick_ms > 0) context.fillRect(x, GROUND.top + NOTCH_HEAD, 1, GROUND.y - GROUND.top - NOTCH_HEAD);
    context.globalAlpha = 1;
    context.fillRect(x, GROUND.y, 1, 4);
    context.fillStyle = palette.muted;
    const text = tickText(tick_ms);
    // A label that would be cut off at the end is left out; its tick stays.
    if (tick_ms === 0 || x + context.measureText(text).width < width) context.fillText(text, x + (tick_ms === 0 ? 0 : 4), HEIGHT - 5);
  }
}

function drawMarker(context: CanvasRenderingContext2D, x: number, width: number, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(Math.round(x - width / 2), GROUND.top, width, GROUND.y + 4 - GROUND.top);
}

/** The selected event: a bar through the life with a foot below the ground. */
function drawSelected(context: CanvasRenderingContext2D, x: number, palette: Palette): void {
  drawMarker(context, x, 2, palette.accent);
  context.fillStyle = palette.accent;
  context.beginPath();
  context.moveTo(x, GROUND.y + 1);
  context.lineTo(x + 5, GROUND.y + 8);
  context.lineTo(x - 5, GROUND.y + 8);
  context.closePath();
  context.fill();
}
