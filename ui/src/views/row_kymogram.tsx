// The life of a session in 120 x 16 pixels, from the buckets that its row carries.

import { createEffect, createMemo, type JSX } from "solid-js";
import type { Session } from "../api/types";
import { barsOf, endShape, type TimeBucket, type TimeSpan } from "../derive/kymogram";
import { countedText } from "../derive/number";
import { isError } from "../derive/severity";
import { endText } from "../derive/session_text";
import { parseTime } from "../derive/time";
import { useApp } from "../state/app";
import { drawBars, drawBaseline, drawEnd, prepareCanvas } from "./kymogram_draw";

const WIDTH = 120;
const HEIGHT = 16;
/** Room at the right for the shape of the end. */
const END_WIDTH = 8;

export function RowKymogram(props: { session: Session }): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const buckets = createMemo(() => rowBuckets(props.session));
  const span = createMemo(() => sessionSpan(props.session, props.session.state === "running" ? app.now_ms() : 0));
  createEffect(() => {
    const context = prepareCanvas(canvas, WIDTH, HEIGHT);
    if (!context) return;
    const life_width = WIDTH - END_WIDTH;
    drawBaseline(context, life_width, HEIGHT, app.palette());
    drawBars(context, barsOf(buckets(), span(), life_width, HEIGHT), 0, app.palette());
    drawEnd(context, endShape(props.session), life_width, HEIGHT, HEIGHT, app.palette());
  });
  return <canvas ref={canvas} class="row-kymogram" role="img" aria-label={kymogramLabel(props.session)} />;
}

export function kymogramLabel(session: Session): string {
  return `Kymogram: ${countedText(session.event_count, "event")}, ${countedText(session.error_count, "error")}, ${endText(session)}`;
}

/** From the start to the end, or to `now_ms` if that is later. Never empty, so that one event has a place. */
export function sessionSpan(session: Session, now_ms: number): TimeSpan {
  const from_ms = parseTime(session.started_at);
  const last_ms = parseTime(session.ended_at ?? session.last_activity_at);
  return { from_ms, to_ms: Math.max(last_ms, now_ms, from_ms + 1) };
}

function rowBuckets(session: Session): TimeBucket[] {
  // A session of which nothing is counted yet may come without one.
  if (!session.kymogram) return [];
  const width_ms = session.kymogram.width_seconds * 1000;
  return session.kymogram.buckets.map((bucket) => ({
    at_ms: parseTime(bucket.at),
    width_ms,
    count: bucket.count,
    errors: isError(bucket.worst) ? bucket.count : 0,
    worst: bucket.worst,
  }));
}
