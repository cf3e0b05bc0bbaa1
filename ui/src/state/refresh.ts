// Timing of what repeats: refreshes that must not pile up, and states that are shown only when they last.

import { createEffect, createSignal, onCleanup, type Accessor } from "solid-js";

/**
 * Calls `work` at once, but never twice at a time and never more often than `gap_ms`;
 * calls in between become one call afterwards.
 */
export function createCoalesced(work: () => Promise<void>, gap_ms: number | (() => number)): () => void {
  let busy = false;
  let wanted = false;
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function run(): Promise<void> {
    busy = true;
    wanted = false;
    await work().catch(() => undefined);
    if (ended) return;
    timer = setTimeout(() => {
      busy = false;
      if (wanted) void run();
    }, typeof gap_ms === "number" ? gap_ms : gap_ms());
  }

  onCleanup(() => {
    ended = true;
    clearTimeout(timer);
  });
  return () => {
    if (busy) wanted = true;
    else void run();
  };
}

/** True once `source` has been true for `delay_ms`: a skeleton that flashes is worse than none. */
export function createDelayed(source: Accessor<boolean>, delay_ms = 200): Accessor<boolean> {
  const [shown, setShown] = createSignal(false);
  createEffect(() => {
    if (!source()) {
      setShown(false);
      return;
    }
    const timer = setTimeout(() => setShown(true), delay_ms);
    onCleanup(() => clearTimeout(timer));
  });
  return shown;
}

/** A frame comes within this, unless the tab is hidden or the machine very busy. */
const FRAME_MS_MAX = 250;

/** True for good once `source` was true and that has been painted: what can wait must not hold up the first picture. */
export function createPainted(source: Accessor<boolean>): Accessor<boolean> {
  const [painted, setPainted] = createSignal(false);
  createEffect(() => {
    if (painted() || !source()) return;
    let timer = setTimeout(() => setPainted(true), FRAME_MS_MAX);
    // The callback comes before the paint; a task that it begins comes after.
    const frame = requestAnimationFrame(() => {
      clearTimeout(timer);
      timer = setTimeout(() => setPainted(true));
    });
    onCleanup(() => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    });
  });
  return painted;
}

/** The time now, every `step_ms` while the tab is seen. */
export function createClock(step_ms: number): Accessor<number> {
  const [now_ms, setNow] = createSignal(Date.now());
  const timer = setInterval(() => {
    if (!document.hidden) setNow(Date.now());
  }, step_ms);
  onCleanup(() => clearInterval(timer));
  return now_ms;
}
