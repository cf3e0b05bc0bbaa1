// Reads again whenever the server says that the list of running sessions has changed, and now and then where it cannot say so.

import { createEffect, onCleanup, type Accessor } from "solid-js";
import type { App } from "../app";
import { createCoalesced } from "../refresh";

/** The server tells of changes once a second at most. */
const GAP_MS_MIN = 1_000;
/** Of the time, reading takes a tenth at most: a list of thousands takes longer. */
const GAP_OF_READING = 9;
/** Where nobody tells, and for what changes by itself: who sends nothing any more has a rate that falls. */
const POLL_MS = 4_000;

export interface LiveNotices {
  /** At once, unless it is being read. */
  readNow(): void;
}

/** `active`: while it is not, nothing is read. `of_all`: also of sessions that are only known by what they send. Ends with the component. */
export function createLiveNotices(app: App, read: () => Promise<void>, active: Accessor<boolean>, of_all = false): LiveNotices {
  let took_ms = 0;
  const readNow = createCoalesced(
    async () => {
      const from_ms = performance.now();
      await read();
      took_ms = performance.now() - from_ms;
    },
    () => Math.max(GAP_MS_MIN, took_ms * GAP_OF_READING),
  );
  const readIfActive = () => active() && !document.hidden && readNow();
  createEffect(() => {
    if (!active()) return;
    onCleanup(app.channels.watch(readIfActive));
    if (app.tells_live() && !of_all) return;
    const timer = setInterval(readIfActive, POLL_MS);
    onCleanup(() => clearInterval(timer));
  });
  // After a reconnect, and when something is stored.
  app.onChanged((changed) => (changed === null || of_all) && readIfActive());
  return { readNow };
}
