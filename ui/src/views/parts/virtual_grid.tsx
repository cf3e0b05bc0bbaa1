// A table of rows of one height, of which only those in sight exist. ARIA grid; the focus stays on the grid itself and
// `aria-activedescendant` names the row, because rows come and go while one scrolls.

import { createVirtualizer } from "@tanstack/solid-virtual";
import { createEffect, For, on, onMount, type JSX } from "solid-js";
import { createPainted } from "../../state/refresh";

export const ROW_HEIGHT = 28;
/** The head is sticky and as high as a row. */
const HEAD_HEIGHT = ROW_HEIGHT;
const OVERSCAN = 12;
/** Of the window's height, what tables have of it. */
const HEIGHT_SHARE = 0.7;

export interface GridView {
  first: number;
  last: number;
  at_top: boolean;
  at_bottom: boolean;
  /** How far it is scrolled, in pixels. */
  top: number;
}

export interface GridHandle {
  /** Scrolls as little as needed to a near row; a far one is put in the middle. */
  reveal(index: number): void;
  toTop(): void;
  toBottom(): void;
  /** To that many pixels from the top. */
  to(top: number): void;
  /** Moves by rows without anybody noticing: for rows that were put in above. */
  shift(rows: number): void;
  focus(): void;
}

export interface GridProps {
  label: string;
  /** Prefix of the row ids. */
  name: string;
  count: number;
  column_count: number;
  active_index: number;
  head: JSX.Element;
  row: (index: () => number) => JSX.Element;
  rowClass?: (index: number) => string;
  onRowClick: (index: number, event: MouseEvent) => void;
  onView?: (view: GridView) => void;
  scroll_top?: { value: number };
  handle: (handle: GridHandle) => void;
}

export function VirtualGrid(props: GridProps): JSX.Element {
  let element!: HTMLDivElement;
  const painted = createPainted(() => props.count > 0);
  const virtualizer = createVirtualizer<HTMLDivElement, HTMLDivElement>({
    get count() {
      return props.count;
    },
    getScrollElement: () => element,
    estimateSize: () => ROW_HEIGHT,
    // At first only what is in sight: the rest would hold it up.
    get overscan() {
      return painted() ? OVERSCAN : 0;
    },
    // A guess until it is measured, so that rows that are there already are laid out together with the rest.
    initialRect: { width: innerWidth, height: innerHeight * HEIGHT_SHARE },
    scrollMargin: HEAD_HEIGHT,
    scrollPaddingStart: HEAD_HEIGHT,
    initialOffset: () => props.scroll_top?.value ?? 0,
  });

  const view = (): GridView => {
    const top = element.scrollTop;
    const body_height = element.clientHeight - HEAD_HEIGHT;
    return {
      first: Math.floor(top / ROW_HEIGHT),
      last: Math.min(props.count - 1, Math.ceil((top + body_height) / ROW_HEIGHT)),
      at_top: top < ROW_HEIGHT / 2,
      at_bottom: top + body_height > props.count * ROW_HEIGHT - ROW_HEIGHT,
      top,
    };
  };
  const tell = () => {
    if (props.scroll_top) props.scroll_top.value = element.scrollTop;
    props.onView?.(view());
  };

  onMount(() => {
    element.scrollTop = props.scroll_top?.value ?? 0;
    const observer = new ResizeObserver(tell);
    observer.observe(element);
    props.handle(handleOf(element, view, tell));
  });
  createEffect(on(() => props.count, tell, { defer: true }));

  const rowClass = (index: number) =>
    ["grid-row", index === props.active_index ? "active" : "", props.rowClass?.(index) ?? ""].filter(Boolean).join(" ");

  return (
    <div
      ref={element}
      class={`grid ${props.name}-grid`}
      role="grid"
      tabindex="0"
      aria-label={props.label}
      aria-rowcount={props.count + 1}
      aria-colcount={props.column_count}
      aria-activedescendant={props.active_index >= 0 ? `${props.name}-${props.active_index}` : undefined}
      onScroll={tell}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" aria-rowindex="1" class="grid-row">{props.head}</div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        <For each={virtualizer.getVirtualItems()}>
          {(item) => (
            <div
              role="row"
              id={`${props.name}-${item.index}`}
              class={rowClass(item.index)}
              aria-rowindex={item.index + 2}
              aria-selected={item.index === props.active_index}
              style={{ transform: `translateY(${item.index * ROW_HEIGHT}px)` }}
              onClick={(event) => props.onRowClick(item.index, event)}
            >
              {props.row(() => item.index)}
            </div>
          )}
        </For>
      </div>
    </div>
  );
}

function handleOf(element: HTMLDivElement, view: () => GridView, tell: () => void): GridHandle {
  const scrollTo = (top: number) => {
    element.scrollTop = top;
    tell();
  };
  return {
    reveal(index) {
      const body_height = element.clientHeight - HEAD_HEIGHT;
      const top = index * ROW_HEIGHT;
      const over = element.scrollTop - top;
      const under = top + ROW_HEIGHT - (element.scrollTop + body_height);
      if (over <= 0 && under <= 0) return;
      const is_far = Math.max(over, under) > 3 * ROW_HEIGHT;
      if (is_far) scrollTo(top - body_height / 2);
      else scrollTo(over > 0 ? top : element.scrollTop + under);
    },
    toTop: () => scrollTo(0),
    toBottom: () => scrollTo(element.scrollHeight),
    to: scrollTo,
    shift: (rows) => rows !== 0 && view().at_top === false && scrollTo(element.scrollTop + rows * ROW_HEIGHT),
    focus: () => element.focus({ preventScroll: true }),
  };
}
