// The hand on the large kymogram: pointing, clicking, drawing a range, and the same with keys.

import { createSignal, type Accessor, type Signal } from "solid-js";
import { BRUSH_PIXELS_MIN, rangeBetween, zoomed } from "../../derive/events/brush";
import { placeX, xToTime, type TimeSpan } from "../../derive/kymogram";

export interface BrushSource {
  /** Of what is drawn, in pixels. */
  width: Accessor<number>;
  /** What is drawn. */
  span: Accessor<TimeSpan>;
  /** All there is. */
  life: Accessor<TimeSpan>;
  /** Where the mark is: several drawings of one axis have it together. */
  mark: Signal<number | null>;
  onClick: (x: number) => void;
  /** `null`: all of it. */
  onRange: (range: TimeSpan | null) => void;
}

export interface Brush {
  /** Where the pointer or the key's mark is; `null` while there is none. */
  x: Accessor<number | null>;
  /** Between these two something is being chosen. */
  chosen: Accessor<TimeSpan | null>;
  onPointerDown(event: PointerEvent): void;
  onPointerMove(event: PointerEvent): void;
  onPointerUp(event: PointerEvent): void;
  onPointerLeave(): void;
  onPointerCancel(): void;
  onKeyDown(event: KeyboardEvent): void;
  onBlur(): void;
}

/** A key moves the mark by this share of what is drawn, with Shift as well while it chooses. */
const KEY_STEP = 0.01;
const ZOOM = 0.5;

export function createBrush({ width, span, life, mark: [mark_ms, setMark], onClick, onRange }: BrushSource): Brush {
  /** Where choosing began. */
  const [anchor_ms, setAnchor] = createSignal<number | null>(null);
  let down_x: number | null = null;

  const timeOf = (event: PointerEvent) => xToTime(Math.min(Math.max(event.offsetX, 0), width()), span(), width());
  const x = () => {
    const at_ms = mark_ms();
    const is_in_sight = at_ms !== null && at_ms >= span().from_ms && at_ms <= span().to_ms;
    return is_in_sight ? placeX(at_ms, span(), width()) : null;
  };
  const chosen = () => {
    const [from_ms, to_ms] = [anchor_ms(), mark_ms()];
    return from_ms === null || to_ms === null ? null : rangeBetween(from_ms, to_ms, life());
  };
  const forget = () => {
    down_x = null;
    setAnchor(null);
  };

  const moveMark = (to_ms: number, is_choosing: boolean) => {
    const before_ms = mark_ms() ?? span().from_ms;
    if (!is_choosing) setAnchor(null);
    else if (anchor_ms() === null) setAnchor(before_ms);
    setMark(Math.min(Math.max(to_ms, span().from_ms), span().to_ms));
  };
  const keyActions = (event: KeyboardEvent): (() => void) | undefined => {
    const at_ms = mark_ms() ?? (span().from_ms + span().to_ms) / 2;
    const step_ms = (span().to_ms - span().from_ms) * KEY_STEP * (event.ctrlKey ? 10 : 1);
    switch (event.key) {
      case "ArrowLeft": return () => moveMark(at_ms - step_ms, event.shiftKey);
      case "ArrowRight": return () => moveMark(at_ms + step_ms, event.shiftKey);
      case "Home": return () => moveMark(span().from_ms, event.shiftKey);
      case "End": return () => moveMark(span().to_ms, event.shiftKey);
      case "+": return () => onRange(zoomed(span(), at_ms, ZOOM, life()));
      case "-": return () => onRange(zoomed(span(), at_ms, 1 / ZOOM, life()));
      case "0": return () => onRange(null);
      case "Enter": return () => take(x() ?? placeX(at_ms, span(), width()));
      case "Escape": return chosen() ? forget : undefined;
      default: return undefined;
    }
  };
  const take = (at_x: number) => {
    const range = chosen();
    forget();
    if (range) onRange(range);
    else onClick(at_x);
  };

  return {
    x, chosen,
    onPointerDown(event) {
      if (event.button !== 0) return;
      down_x = event.offsetX;
      setAnchor(null);
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
    },
    onPointerMove(event) {
      const now_ms = timeOf(event);
      if (down_x !== null && anchor_ms() === null && Math.abs(event.offsetX - down_x) >= BRUSH_PIXELS_MIN) {
        setAnchor(xToTime(Math.min(Math.max(down_x, 0), width()), span(), width()));
      }
      setMark(now_ms);
    },
    onPointerUp(event) {
      if (down_x === null) return;
      setMark(timeOf(event));
      take(Math.min(Math.max(event.offsetX, 0), width()));
    },
    onPointerLeave: () => down_x === null && setMark(null),
    onPointerCancel: forget,
    onKeyDown(event) {
      if (event.metaKey || event.altKey) return;
      const action = keyActions(event);
      if (!action) return;
      event.preventDefault();
      action();
    },
    onBlur() {
      forget();
      setMark(null);
    },
  };
}
