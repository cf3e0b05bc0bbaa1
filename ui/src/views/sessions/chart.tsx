// Sessions over time, those with errors in the colour of errors. Drag over it, click a bar, or use the keys, and the list
// is of that stretch.
//
// Drawn here and not by uPlot: of what that brings (axes, series, legends, 20 KB compressed, half of what the whole page
// was) this needs rectangles; and what this needs, bars by keyboard and for those who listen, would be written anyway.

import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { SessionBucket } from "../../api/types";
import { barsOf, indexAt, startOf, stretchText, ticksOf, topOf, zoneOffset, type Scale } from "../../derive/list/chart";
import { between, type Range } from "../../derive/list/range";
import { countedText, countText } from "../../derive/number";
import { useApp } from "../../state/app";
import type { ChartAnswer } from "../../state/list/figures";
import type { Panel } from "../../state/list/panel";
import { createDelayed } from "../../state/refresh";
import { prepareCanvas } from "../kymogram/kymogram_draw";
import { drawChart } from "./chart_draw";

export interface ChartProps {
  panel: Panel<ChartAnswer>;
  onZoom: (range: Range) => void;
}

/** As in list.css. */
const HEIGHT = 64;
/** A label of the axis, with air. */
const TICK_ROOM = 72;
/** Buckets that Page Up and Page Down pass. */
const LEAP = 10;
/** Narrower than this nothing is shown any better. */
const ZOOM_MS_MIN = 1_000;

/** Buckets `from` to `to`, both included, in any order. */
interface Choice {
  from: number;
  to: number;
}

export function Chart(props: ChartProps): JSX.Element {
  const waiting = createDelayed(() => !props.panel.settled());
  return (
    <section class="chart" aria-label="Sessions over time" aria-busy={waiting()}>
      <Show when={props.panel.value()}>{(answer) => <Plot answer={answer()} onZoom={props.onZoom} />}</Show>
      <Show when={props.panel.failure()}>
        {(failure) => (
          <div class="panel-failure" role="alert">
            <span><strong>The chart could not be read.</strong> {failure()}</span>
            <button type="button" class="button small" onClick={() => props.panel.retry()}>Try again</button>
          </div>
        )}
      </Show>
    </section>
  );
}

function Plot(props: { answer: ChartAnswer; onZoom: (range: Range) => void }): JSX.Element {
  const app = useApp();
  const scale = () => props.answer.scale;
  const zone = () => app.settings.zone.value();
  const [width, setWidth] = createSignal(0);
  const [cursor, setCursor] = createSignal<number | null>(null);
  const [choice, setChoice] = createSignal<Choice | null>(null);
  const [by_keys, setByKeys] = createSignal(false);
  const pressed: Handles["pressed"] = { at: null };
  let frame!: HTMLDivElement;
  let canvas!: HTMLCanvasElement;

  onMount(() => measure(frame, setWidth));
  // What was pointed at means another time on another scale; a refresh of the same one leaves it alone.
  createEffect(on(() => `${scale().from_ms} ${scale().to_ms} ${scale().count}`, () => leave(), { defer: true }));

  const pitch = () => width() / scale().count;
  const bars = createMemo(() => barsOf(props.answer.counts, scale(), width(), HEIGHT - 1));
  const ticks = createMemo(() => ticksOf(scale(), width(), TICK_ROOM, zoneOffset(scale().to_ms, zone()), zone()));
  const pixels = createMemo(() => {
    const chosen = choice();
    return chosen ? { from: Math.min(chosen.from, chosen.to) * pitch(), to: (Math.max(chosen.from, chosen.to) + 1) * pitch() } : null;
  });
  createEffect(() => {
    const context = prepareCanvas(canvas, width(), HEIGHT);
    if (!context || width() === 0) return;
    drawChart(context, { bars: bars(), width: width(), height: HEIGHT, cursor: cursor(), chosen: pixels(), pitch: pitch() }, app.palette());
  });

  const zoom = (chosen: Choice) => {
    const from_ms = startOf(scale(), Math.min(chosen.from, chosen.to));
    const to_ms = startOf(scale(), Math.max(chosen.from, chosen.to) + 1);
    setChoice(null);
    const range = to_ms - from_ms >= ZOOM_MS_MIN ? between({ from_ms, to_ms }) : null;
    if (range) props.onZoom(range);
  };
  const leave = () => {
    setChoice(null);
    setCursor(null);
  };
  const said = () => describe(props.answer, choice() ?? { from: cursor() ?? 0, to: cursor() ?? 0 }, zone());
  return (
    <div class="plot">
      <div
        ref={frame}
        class="plot-frame"
        role="slider"
        tabindex="0"
        aria-label="Sessions over time: arrows move, with Shift they choose a range, Enter shows it"
        aria-valuemin={0}
        aria-valuemax={scale().count - 1}
        aria-valuenow={cursor() ?? 0}
        aria-valuetext={said().text}
        data-keys="own"
        onBlur={leave}
        on:keydown={plotKeys({ scale, pressed, cursor, setCursor, choice, setChoice, zoom, setByKeys })}
        {...plotPointer({ scale, pressed, width, setCursor, choice, setChoice, zoom, setByKeys })}
      >
        <canvas ref={canvas} class="plot-canvas" aria-hidden="true" />
        <span class="plot-top" aria-hidden="true">{countText(topOf(props.answer.counts))}</span>
        <Show when={cursor() !== null || choice()}>
          <Tip said={said()} x={((cursor() ?? 0) + 0.5) * pitch()} width={width()} hint={by_keys() && choice() !== null} />
        </Show>
      </div>
      <div class="plot-ticks" aria-hidden="true">
        <For each={ticks()}>{(tick) => <span style={{ left: `${tick.x}px` }}>{tick.text}</span>}</For>
      </div>
    </div>
  );
}

/** Tells how wide an element is, now and whenever that changes. */
function measure(element: HTMLElement, onWidth: (width: number) => void): void {
  const observer = new ResizeObserver(([entry]) => onWidth(Math.floor(entry?.contentRect.width ?? 0)));
  observer.observe(element);
  onCleanup(() => observer.disconnect());
}

interface Said {
  when: string;
  figures: string[];
  with_errors: number;
  text: string;
}

/** What lies within a choice, in words. */
function describe(answer: ChartAnswer, chosen: Choice, zone: "local" | "utc"): Said {
  const [first, last] = [Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to)];
  const within = answer.counts.buckets.filter(({ index }) => index >= first && index <= last);
  const sum = (figure: (bucket: SessionBucket) => number) => within.reduce((total, bucket) => total + figure(bucket), 0);
  const when = stretchText(startOf(answer.scale, first), startOf(answer.scale, last + 1), zone);
  const figures = [`${countedText(sum(({ sessions }) => sessions), "session")} started`];
  // Users of one bucket may be those of the next: they cannot be added up.
  if (first === last) figures.push(countedText(sum(({ users }) => users), "user"));
  const with_errors = sum((bucket) => bucket.with_errors);
  return { when, figures, with_errors, text: `${when}: ${[...figures, `${countText(with_errors)} with errors`].join(", ")}` };
}

const TIP_HALF = 96;

function Tip(props: { said: Said; x: number; width: number; hint: boolean }): JSX.Element {
  const left = () => Math.min(Math.max(props.x, TIP_HALF), Math.max(TIP_HALF, props.width - TIP_HALF));
  return (
    <div class="tip" aria-hidden="true" style={{ left: `${left()}px` }}>
      <span class="quiet">{props.said.when}</span>
      <span>{props.said.figures.join(", ")}</span>
      <span class={props.said.with_errors > 0 ? "error-count" : "quiet"}>{countText(props.said.with_errors)} with errors</span>
      <Show when={props.hint}><span class="quiet"><kbd>Enter</kbd> shows this range</span></Show>
    </div>
  );
}

interface Handles {
  scale: () => Scale;
  /** Where the pointer was pressed, while a range is dragged. */
  pressed: { at: number | null };
  setCursor: (index: number | null) => void;
  choice: () => Choice | null;
  setChoice: (choice: Choice | null) => void;
  zoom: (choice: Choice) => void;
  setByKeys: (by_keys: boolean) => void;
}

function plotKeys(plot: Handles & { cursor: () => number | null }): (event: KeyboardEvent) => void {
  const step = (by: number, extends_choice: boolean) => {
    const last = plot.scale().count - 1;
    const from = plot.cursor() ?? (by < 0 ? last + 1 : -1);
    const to = Math.min(last, Math.max(0, from + by));
    plot.setChoice(extends_choice ? { from: plot.choice()?.from ?? plot.cursor() ?? to, to } : null);
    plot.setCursor(to);
    plot.setByKeys(true);
    return true;
  };
  const leave = () => {
    if (plot.cursor() === null && !plot.choice()) return false;
    plot.pressed.at = null;
    plot.setChoice(null);
    plot.setCursor(null);
    return true;
  };
  const show = () => {
    const at = plot.cursor();
    const chosen = plot.choice() ?? (at === null ? null : { from: at, to: at });
    if (chosen) plot.zoom(chosen);
    return true;
  };
  return (event) => {
    const extends_choice = event.shiftKey;
    const keys: Record<string, () => boolean> = {
      ArrowLeft: () => step(-1, extends_choice),
      ArrowRight: () => step(1, extends_choice),
      PageUp: () => step(-LEAP, extends_choice),
      PageDown: () => step(LEAP, extends_choice),
      Home: () => step(-Infinity, extends_choice),
      End: () => step(Infinity, extends_choice),
      Enter: show,
      Escape: leave,
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]?.()) return;
    event.preventDefault();
    event.stopPropagation();
  };
}

function plotPointer(plot: Handles & { width: () => number }): JSX.HTMLAttributes<HTMLDivElement> {
  const { pressed } = plot;
  const indexOf = (event: PointerEvent & { currentTarget: HTMLElement }) =>
    indexAt(plot.scale(), event.clientX - event.currentTarget.getBoundingClientRect().left, plot.width());
  const give_up = () => {
    pressed.at = null;
    plot.setChoice(null);
  };
  return {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      pressed.at = indexOf(event);
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: (event) => {
      const index = indexOf(event);
      plot.setCursor(index);
      plot.setByKeys(false);
      if (pressed.at !== null && (index !== pressed.at || plot.choice())) plot.setChoice({ from: pressed.at, to: index });
    },
    onPointerUp: (event) => {
      if (pressed.at === null) return;
      const from = pressed.at;
      pressed.at = null;
      plot.zoom({ from, to: indexOf(event) });
    },
    onPointerCancel: give_up,
    onPointerLeave: () => {
      if (pressed.at === null) plot.setCursor(null);
    },
  };
}
