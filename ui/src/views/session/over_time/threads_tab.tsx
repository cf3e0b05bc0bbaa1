// The threads of a session, a line each on the kymogram's axis; a click leaves only that thread's events.

import { createEffect, createMemo, For, Show, type JSX } from "solid-js";
import type { ThreadLane, Threads } from "../../../api/types";
import { columnsOf, notchesOf, placeX } from "../../../derive/kymogram";
import { countedText } from "../../../derive/number";
import { isFilteredBy, laneText, threadName } from "../../../derive/over_time/threads";
import { useApp } from "../../../state/app";
import { createDelayed } from "../../../state/refresh";
import { createThreads, type Looked } from "../../../state/over_time/over_time";
import { drawLife, drawNotches, prepareCanvas } from "../../kymogram/kymogram_draw";
import { densityBuckets } from "../../kymogram/large_kymogram";
import { Failure } from "../../parts/failure";
import { SeverityMark } from "../../parts/severity_mark";
import { createAxisWidth, type Axis } from "./axis";

export interface ThreadsTabProps {
  looked: Looked;
  axis: Axis;
  filter: string;
  onThread: (thread_id: string) => void;
}

/** As in over_time.css. */
const HEIGHT = 30;
const GROUND = { y: 27, top: 1, line_width: 1.25 };
const NOTCH_HEAD = 5;
const LINE_HEIGHT = 20;

export function ThreadsTab(props: ThreadsTabProps): JSX.Element {
  const threads = createThreads(useApp(), props.looked);
  const waiting = createDelayed(() => threads.value() === null && threads.failure() === null);
  return (
    <div class="over-time" id="tab-panel" role="tabpanel" aria-labelledby="tab-threads" tabindex="0" data-keys="own">
      <div class="over-time-body">
        <Show when={threads.failure()}>
          {(failure) => <Failure what="The threads could not be read." detail={failure().text} onRetry={() => void threads.reload()} />}
        </Show>
        <Show when={waiting()}><p class="quiet" aria-busy="true">Reading the threads…</p></Show>
        <Show when={threads.value()}>{(found) => <Lanes {...props} threads={found()} />}</Show>
      </div>
    </div>
  );
}

function Lanes(props: ThreadsTabProps & { threads: Threads }): JSX.Element {
  const left_out = () => props.threads.total - props.threads.lanes.filter(({ thread_id }) => thread_id !== null).length;
  return (
    <Show when={props.threads.total > 0} fallback={<p class="empty quiet">No event in this time names a thread. Kymo's library for programs tells it with each event.</p>}>
      <p class="quiet">
        {countedText(props.threads.total, "thread")}, the most active first
        <Show when={left_out() > 0}>; {countedText(left_out(), "other")} together at the end</Show>
        . A click leaves only its events.
      </p>
      <ul class="lanes">
        <For each={props.threads.lanes}>{(lane) => <Lane {...props} lane={lane} />}</For>
        <Show when={props.threads.rest}>
          {(rest) => <Lane {...props} lane={{ ...rest(), name: left_out() > 0 ? `${countedText(left_out(), "other thread")} together` : "No thread named" }} />}
        </Show>
      </ul>
    </Show>
  );
}

function Lane(props: ThreadsTabProps & { threads: Threads; lane: ThreadLane }): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const { width, life_width } = createAxisWidth(props.axis, () => canvas);
  const buckets = createMemo(() => densityBuckets({ ...props.threads, buckets: props.lane.buckets }));
  createEffect(() => {
    const context = prepareCanvas(canvas, width(), HEIGHT);
    if (!context || width() === 0) return;
    const [span, palette] = [props.axis.span(), app.palette()];
    const sizes = { width: life_width(), height: LINE_HEIGHT, pitch: 4, height_min: 3, worst_height_min: 2 };
    const mark_ms = props.axis.mark[0]();
    if (mark_ms !== null && mark_ms >= span.from_ms && mark_ms <= span.to_ms) {
      context.fillStyle = palette.line;
      context.fillRect(Math.round(placeX(mark_ms, span, life_width())), 0, 1, HEIGHT);
    }
    drawLife(context, columnsOf(buckets(), span, sizes), life_width(), GROUND, palette);
    drawNotches(context, notchesOf(buckets(), span, life_width()), null, life_width(), NOTCH_HEAD, GROUND, palette);
  });
  const Head = () => (
    <span class="lane-head">
      <span class="lane-name">{threadName(props.lane)}</span>
      <Show when={props.lane.name !== null && props.lane.thread_id}>{(id) => <span class="quiet">thread {id()}</span>}</Show>
      <span class="quiet">{laneText(props.lane)}</span>
      <SeverityMark level={props.lane.worst} />
    </span>
  );
  return (
    <li class="lane">
      <Show when={props.lane.thread_id} fallback={<Head />}>
        {(id) => (
          <button type="button" class="lane-button" aria-pressed={isFilteredBy(props.filter, id())} title="Only the events of this thread" onClick={() => props.onThread(id())}>
            <Head />
          </button>
        )}
      </Show>
      <canvas ref={canvas} class="lane-life" aria-hidden="true" />
    </li>
  );
}
