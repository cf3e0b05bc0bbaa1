// What all drawings below the kymogram share with it: its time axis, its mark, its range.

import { createSignal, onCleanup, onMount, type Accessor, type Signal } from "solid-js";
import { lifeWidth, type TimeGap, type TimeSpan } from "../../../derive/kymogram";
import { END_WIDTH, MOMENT_WIDTH } from "../../kymogram/large_kymogram";

export interface Axis {
  /** What is drawn. */
  span: Accessor<TimeSpan>;
  life: Accessor<TimeSpan>;
  mark: Signal<number | null>;
  /** Where events are missing. */
  gaps: Accessor<readonly TimeGap[]>;
  onRange: (range: TimeSpan | null) => void;
}

/** The width of a canvas that is as wide as that of the kymogram, and of the life on it. */
export function createAxisWidth(axis: Axis, canvas: () => HTMLCanvasElement): { width: Accessor<number>; life_width: Accessor<number> } {
  const [width, setWidth] = createSignal(0);
  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(canvas());
    onCleanup(() => observer.disconnect());
  });
  return { width, life_width: () => lifeWidth(axis.span(), Math.max(0, width() - END_WIDTH), MOMENT_WIDTH) };
}
