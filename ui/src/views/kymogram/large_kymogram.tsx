// The life of a session at full width: density as height, severity as colour, errors as notches to hit, the end as it was.

import { createEffect, createMemo, createSignal, onCleanup, onMount, Show, type JSX, type Signal } from "solid-js";
import type { Density, Session } from "../../api/types";
import {
  bucketAt, columnsOf, endShape, gapAt, gapsOf, lifeWidth, notchAt, notchesOf, placeX, ticksOf, tickText, timeToX, xToTime,
  type Notch, type TimeBucket, type TimeGap, type TimeSpan,
} from "../../derive/kymogram";
import { countedText } from "../../derive/number";
import { clockText, durationWords, offsetText, parseTime, type Zone } from "../../derive/time";
import { useApp } from "../../state/app";
import type { Palette } from "../../state/palette";
import { createBrush } from "./brush";
import { drawEnd, drawGap, drawLife, drawNotches, prepareCanvas } from "./kymogram_draw";
import { kymogramLabel, sessionSpan } from "./row_kymogram";

const NOTCH_HEAD = 9;
const LINE_HEIGHT = 60;
const AXIS_HEIGHT = 20;
const GROUND = { y: NOTCH_HEAD + LINE_HEIGHT + 3, top: 1, line_width: 1.5 };
/** As in session.css. */
const HEIGHT = GROUND.y + AXIS_HEIGHT;
export const END_WIDTH = 16;
/** Of a session that is over at once. */
export const MOMENT_WIDTH = 40;
const NOTCH_REACH = 6;
const TICK_WIDTH_MIN = 84;

export interface LargeKymogramProps {
  session: Session | null;
  density: Density | null;
  /** The part of the life that is looked at; `null`: all of it. */
  range: TimeSpan | null;
  /** Time of the selected event. */
  selected_ms: number | null;
  /** Where the pointer or a key's mark is, here or in another drawing on the same axis. */
  mark: Signal<number | null>;
  /** The density is of what a filter leaves. */
  is_filtered: boolean;
  onTime: (time_ms: number) => void;
  onError: (time_ms: number) => void;
  onRange: (range: TimeSpan | null) => void;
}

/** Of a session that is not known yet. */
export const NO_LIFE: TimeSpan = { from_ms: 0, to_ms: 1 };

export function LargeKymogram(props: LargeKymogramProps): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(0);
  const life = createMemo(() =>
    props.session ? sessionSpan(props.session, props.session.state === "running" ? app.now_ms() : 0) : NO_LIFE,
  );
  const span = () => props.range ?? life();
  const life_width = () => lifeWidth(span(), Math.max(0, width() - END_WIDTH), MOMENT_WIDTH);
  const buckets = createMemo(() => densityBuckets(props.density));
  const gaps = createMemo(() => gapsOf(props.density?.gaps ?? []));
  const noun = () => (props.is_filtered ? ["event that matches", "events that match"] as const : ["event", "events"] as const);
  const notches = createMemo(() => notchesOf(buckets(), span(), life_width()));
  const brush = createBrush({
    width: life_width, span, life,
    mark: props.mark,
    onRange: props.onRange,
    onClick(x) {
      const notch = notchAt(notches(), x, NOTCH_REACH);
      if (notch) props.onError(notch.at_ms);
      else props.onTime(xToTime(x, span(), life_width()));
    },
  });
  const hit = createMemo(() => {
    const x = brush.x();
    return x === null || brush.chosen() ? null : notchAt(notches(), x, NOTCH_REACH);
  });
  const at_ms = () => hit()?.at_ms ?? xToTime(brush.x() ?? 0, span(), life_width());

  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(canvas);
    onCleanup(() => observer.disconnect());
  });
  createEffect(() => {
    const context = prepareCanvas(canvas, width(), HEIGHT);
    if (!context || !props.session || width() === 0) return;
    drawAll(context, {
      buckets: buckets(), gaps: gaps(), notches: notches(), hit: hit(), span: span(), life: life(), width: life_width(), mark_x: brush.x(),
      chosen: brush.chosen(), selected_ms: props.selected_ms, session: props.session, palette: app.palette(),
    });
  });

  const is_end_shown = () => span().to_ms >= life().to_ms;
  return (
    <div class="large-kymogram">
      <canvas
        ref={canvas}
        role="slider"
        tabindex={props.session ? 0 : -1}
        data-keys="own"
        aria-label={props.session ? `${kymogramLabel(props.session)}. Time in the session` : "Kymogram"}
        aria-valuemin={0}
        aria-valuemax={Math.round(span().to_ms - span().from_ms)}
        aria-valuenow={Math.round(brush.x() === null ? 0 : at_ms() - span().from_ms)}
        aria-valuetext={hintText({ time_ms: at_ms(), from_ms: life().from_ms, buckets: buckets(), gaps: gaps(), notch: hit(), noun: noun() }, app.settings.zone.value())}
        classList={{ "over-notch": hit() !== null }}
        onPointerDown={brush.onPointerDown}
        onPointerMove={brush.onPointerMove}
        onPointerUp={brush.onPointerUp}
        onPointerLeave={brush.onPointerLeave}
        onPointerCancel={brush.onPointerCancel}
        on:keydown={brush.onKeyDown}
        onBlur={brush.onBlur}
      />
      <Show when={props.session?.state === "running" && is_end_shown()}>
        <span class="moving-edge" style={{ left: `${life_width()}px` }} aria-hidden="true" />
      </Show>
      <Show when={props.session && brush.x() !== null}>
        <div
          class="kymogram-hint"
          classList={{ "to-left": (brush.x() ?? 0) > life_width() / 2 }}
          style={{ left: `${brush.x() ?? 0}px` }}
          aria-hidden="true"
        >
          <Show when={brush.chosen()} fallback={<Hint time_ms={at_ms()} from_ms={life().from_ms} buckets={buckets()} gaps={gaps()} notch={hit()} noun={noun()} />}>
            {(range) => <RangeHint range={range()} buckets={buckets()} noun={noun()} />}
          </Show>
        </div>
      </Show>
    </div>
  );
}

interface Drawing {
  buckets: TimeBucket[];
  gaps: TimeGap[];
  notches: Notch[];
  hit: Notch | null;
  span: TimeSpan;
  life: TimeSpan;
  width: number;
  mark_x: number | null;
  chosen: TimeSpan | null;
  selected_ms: number | null;
  session: Session;
  palette: Palette;
}

function drawAll(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const { buckets, span, life, width, palette } = drawing;
  const columns = columnsOf(buckets, span, { width, height: LINE_HEIGHT, pitch: 4, height_min: 4, worst_height_min: 3 });
  drawAxis(context, span, life.from_ms, width, palette);
  if (drawing.chosen) drawChosen(context, drawing.chosen, span, width, palette);
  else if (drawing.mark_x !== null) drawMarker(context, drawing.mark_x, 1, palette.line);
  drawLife(context, columns, width, GROUND, palette);
  for (const gap of drawing.gaps) drawGap(context, gap, span, width, GROUND, palette);
  const in_sight = drawing.notches.filter((notch) => notch.x > -NOTCH_HEAD && notch.x < width + NOTCH_HEAD);
  drawNotches(context, in_sight, drawing.hit, width, NOTCH_HEAD, GROUND, palette);
  if (span.to_ms >= life.to_ms) drawEnd(context, endShape(drawing.session), { x: width, room: END_WIDTH, height: 26 }, GROUND, palette);
  const at_ms = drawing.selected_ms;
  if (at_ms !== null && at_ms >= span.from_ms && at_ms <= span.to_ms) drawSelected(context, placeX(at_ms, span, width), palette);
}

/** What is being chosen: the ground of it, with an edge at each side. */
function drawChosen(context: CanvasRenderingContext2D, chosen: TimeSpan, span: TimeSpan, width: number, palette: Palette): void {
  const [from_x, to_x] = [placeX(chosen.from_ms, span, width), placeX(chosen.to_ms, span, width)];
  context.fillStyle = palette.accent;
  context.globalAlpha = 0.16;
  context.fillRect(from_x, GROUND.top, to_x - from_x, GROUND.y + 4 - GROUND.top);
  context.globalAlpha = 1;
  drawMarker(context, from_x, 1, palette.accent);
  drawMarker(context, to_x, 1, palette.accent);
}

/** The same as the hint beside the pointer, for those who listen. */
function hintText({ time_ms, from_ms, buckets, gaps, notch, noun }: HintProps, zone: Zone): string {
  const bucket = bucketAt(buckets, time_ms);
  const errors = notch?.errors ?? bucket?.errors ?? 0;
  const gap = gapAt(gaps, time_ms);
  const counts = bucket ? countedText(bucket.count, ...noun) : "nothing";
  const more = [errors > 0 ? countedText(errors, "error") : "", gap ? gapText(gap) : ""].filter(Boolean);
  return [clockText(time_ms, zone), offsetText(time_ms - from_ms), counts, ...more].join(", ");
}

function gapText(gap: TimeGap): string {
  return `${countedText(gap.events, "event")} missing here`;
}

function RangeHint(props: { range: TimeSpan; buckets: TimeBucket[]; noun: Noun }): JSX.Element {
  const app = useApp();
  const inside = () => props.buckets.filter(({ at_ms, width_ms }) => at_ms + width_ms > props.range.from_ms && at_ms < props.range.to_ms);
  const sum = (of: (bucket: TimeBucket) => number) => inside().reduce((total, bucket) => total + of(bucket), 0);
  return (
    <>
      <span>{clockText(props.range.from_ms, app.settings.zone.value())} – {clockText(props.range.to_ms, app.settings.zone.value())}</span>
      <span class="quiet">{durationWords((props.range.to_ms - props.range.from_ms) / 1000)}</span>
      <span>about {countedText(sum(({ count }) => count), ...props.noun)}</span>
      <Show when={sum(({ errors }) => errors) > 0}>
        <span class="error-count">{countedText(sum(({ errors }) => errors), "error")}</span>
      </Show>
    </>
  );
}

type Noun = readonly [one: string, many: string];

interface HintProps {
  time_ms: number;
  from_ms: number;
  buckets: TimeBucket[];
  gaps: TimeGap[];
  notch: Notch | null;
  noun: Noun;
}

function Hint(props: HintProps): JSX.Element {
  const app = useApp();
  const at_ms = () => props.time_ms;
  const bucket = () => bucketAt(props.buckets, at_ms());
  return (
    <>
      <span>{clockText(at_ms(), app.settings.zone.value())}</span>
      <span class="quiet">{offsetText(at_ms() - props.from_ms)}</span>
      <span>{bucket() ? countedText(bucket()?.count ?? 0, ...props.noun) : "nothing"}</span>
      <Show when={gapAt(props.gaps, at_ms())}>{(gap) => <span class="missing-count">{gapText(gap())}</span>}</Show>
      <Show when={(props.notch?.errors ?? bucket()?.errors ?? 0) > 0}>
        <span class="error-count">{countedText(props.notch?.errors ?? bucket()?.errors ?? 0, "error")}</span>
      </Show>
    </>
  );
}

export function densityBuckets(density: Pick<Density, "from" | "width_seconds" | "buckets"> | null): TimeBucket[] {
  if (!density) return [];
  const from_ms = parseTime(density.from);
  const width_ms = density.width_seconds * 1000;
  return density.buckets.map(({ index, count, errors, worst }) => ({
    at_ms: from_ms + index * width_ms, width_ms, count, errors, worst,
  }));
}

/** Offsets from the start of the life, whichever part of it is drawn. */
function drawAxis(context: CanvasRenderingContext2D, span: TimeSpan, life_from_ms: number, width: number, palette: Palette): void {
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  for (const tick_ms of ticksOf(span, width, TICK_WIDTH_MIN, life_from_ms)) {
    const x = Math.round(timeToX(life_from_ms + tick_ms, span, width));
    context.fillStyle = palette.line;
    context.globalAlpha = 0.35;
    if (x > 0) context.fillRect(x, GROUND.top + NOTCH_HEAD, 1, GROUND.y - GROUND.top - NOTCH_HEAD);
    context.globalAlpha = 1;
    context.fillRect(x, GROUND.y, 1, 4);
    context.fillStyle = palette.muted;
    const text = tickText(tick_ms);
    // A label that would be cut off at the end is left out; its tick stays.
    if (x === 0 || x + context.measureText(text).width < width) context.fillText(text, x + (x === 0 ? 0 : 4), HEIGHT - 5);
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
