// A menu of values of one session: each can be filtered for and filtered out. There is one for the whole table.

import { createSignal, For, Show, type JSX } from "solid-js";
import { toggleTerm, wishOf, type Wish } from "../../derive/filter/filter_text";
import type { RowValue } from "../../derive/list/row_values";
import { placeAt } from "../parts/popover";

export interface ValueMenuHandle {
  /** Beside the place on the screen that the values stand at. */
  open(values: RowValue[], at: DOMRect): void;
}

export interface ValueMenuProps {
  filter: string;
  onFilter: (filter: string) => void;
  /** The menu is gone: where the focus belongs. */
  onClosed: () => void;
  handle: (handle: ValueMenuHandle) => void;
}

export function ValueMenu(props: ValueMenuProps): JSX.Element {
  const [values, setValues] = createSignal<RowValue[]>([]);
  let panel!: HTMLDivElement;
  const items = () => Array.from(panel.querySelectorAll<HTMLElement>("[role^=menuitem]"));
  props.handle({
    open(next, at) {
      if (next.length === 0) return;
      setValues(next);
      placeAt(panel, at);
      panel.showPopover();
      items()[0]?.focus();
    },
  });
  const close = () => {
    panel.hidePopover();
    props.onClosed();
  };
  const choose = (value: RowValue, wish: Wish) => {
    close();
    props.onFilter(toggleTerm(props.filter, value.field, value.value, wish));
  };
  const move = (by: number) => {
    const all = items();
    const index = all.indexOf(document.activeElement as HTMLElement);
    all[(index + by + all.length) % all.length]?.focus();
  };
  // Before the page's own keys see them.
  const onKey = (event: KeyboardEvent) => {
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(values().length > 1 ? 2 : 1), ArrowUp: () => move(values().length > 1 ? -2 : -1),
      ArrowRight: () => move(1), ArrowLeft: () => move(-1),
      Home: () => items()[0]?.focus(), End: () => items().at(-1)?.focus(),
      Escape: close, Tab: close,
    };
    const handler = keys[event.key];
    if (!handler) return;
    event.preventDefault();
    event.stopPropagation();
    handler();
  };
  return (
    <div ref={panel} popover="auto" class="popover value-menu" role="menu" aria-label="Filter by" on:keydown={onKey}>
      <For each={values()}>
        {(value) => (
          <div class="value-line" role="group" aria-label={`${value.name} ${value.text}`}>
            <span class="quiet">{value.name}</span>
            <span class="value-text" title={value.value}>{value.text}</span>
            <Choice value={value} wish="for" filter={props.filter} onChoose={choose} />
            <Choice value={value} wish="out" filter={props.filter} onChoose={choose} />
          </div>
        )}
      </For>
    </div>
  );
}

const LABELS: Record<Wish, string> = { for: "Only", out: "Without" };

function Choice(props: { value: RowValue; wish: Wish; filter: string; onChoose: (value: RowValue, wish: Wish) => void }): JSX.Element {
  const checked = () => wishOf(props.filter, props.value.field, props.value.value) === props.wish;
  return (
    <button
      type="button"
      class="button small"
      role="menuitemcheckbox"
      aria-checked={checked()}
      tabindex="-1"
      title={checked() ? "Take it out of the filter" : undefined}
      onClick={() => props.onChoose(props.value, props.wish)}
    >
      <Show when={checked()}><span aria-hidden="true">✓ </span></Show>
      {LABELS[props.wish]}
      <span class="off-screen"> {props.value.name.toLowerCase()} {props.value.text}</span>
    </button>
  );
}
