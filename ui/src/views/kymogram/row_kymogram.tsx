// The life of a session in a row of the table, from the buckets that its row carries.

import { createEffect, createMemo, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { columnsOf, endShape, lifeWidth, notchesOf, type TimeBucket, type TimeSpan } from "../../derive/kymogram";
import { countedText } from "../../derive/number";
import { isError } from "../../derive/severity";
import { endText } from "../../derive/session_text";
import { parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import { drawEnd, drawLife, drawNotches, prepareCanvas } from "./kymogram_draw";

/** As in sessions.css. */
const HEIGHT = 20;
/** Room at the right for the shape of the end. */
const END_WIDTH = 12;
const GROUND = { y: 18, top: 1, line_width: 1.25 };
const NOTCH_HEAD = 5;
/** The line stays below the heads of the notches. */
const LINE_HEIGHT = 13;
const MOMENT_WIDTH = 12;

/** `width`: of the column, the same for all rows. */
export function RowKymogram(props: { session: Session; width: number }): JSX.Element {
  const app = useApp();
  let canvas!: HTMLCanvasElement;
  const buckets = createMemo(() => rowBuckets(props.session));
  const span = createMemo(() => sessionSpan(props.session, props.session.state === "running" ? app.now_ms() : 0));
  createEffect(() => {
    if (props.width <= END_WIDTH) return;
    const context = prepareCanvas(canvas, props.width, HEIGHT);
    if (!context) return;
    const palette = app.palette();
    const width = lifeWidth(span(), props.width - END_WIDTH, MOMENT_WIDTH);
    const columns = columnsOf(buckets(), span(), { width, height: LINE_HEIGHT, pitch: 4, height_min: 3, worst_height_min: 2 });
    drawLife(context, columns, width, GROUND, palette);
    drawNotches(context, notchesOf(buckets(), span(), width), null, width, NOTCH_HEAD, GROUND, palette);
    drawEnd(context, endShape(props.session), { x: width, room: END_WIDTH, height: 9 }, GROUND, palette);
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
    // How many of them is not told: one at least.
    errors: isError(bucket.worst) ? 1 : 0,
    worst: bucket.worst,
  }));
}
