// A button with a panel below it. The browser's own popover: it lies above everything, closes on Esc and on a click
// beside it, and its button closes it again.

import { createSignal, createUniqueId, Show, type JSX } from "solid-js";

export interface PopoverProps {
  /** What the button shows. */
  label: JSX.Element;
  /** What the panel is called, and the button where its label does not say it. */
  name: string;
  button_label?: string;
  class?: string;
  onOpen?: () => void;
  children: (close: () => void) => JSX.Element;
}

const GAP = 4;

export function Popover(props: PopoverProps): JSX.Element {
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);
  let button!: HTMLButtonElement;
  let panel!: HTMLDivElement;
  const close = () => {
    panel.hidePopover();
    button.focus();
  };
  const onBeforeToggle = (event: ToggleEvent) => {
    const opens = event.newState === "open";
    setOpen(opens);
    if (!opens) return;
    props.onOpen?.();
    placeAt(panel, button.getBoundingClientRect());
  };
  const onToggle = (event: ToggleEvent) => {
    if (event.newState === "open") panel.querySelector<HTMLElement>("[autofocus], a, button, input")?.focus();
  };
  // Before the page's own keys see it, for which Esc means something else.
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open()) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  return (
    <div class={`popover-frame ${props.class ?? ""}`} on:keydown={onKey}>
      <button
        ref={button}
        type="button"
        class="button"
        aria-haspopup="dialog"
        aria-expanded={open()}
        aria-label={props.button_label}
        popovertarget={id}
      >
        {props.label}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        class="popover"
        role="dialog"
        aria-label={props.name}
        on:beforetoggle={onBeforeToggle}
        on:toggle={onToggle}
      >
        <Show when={open()}>{props.children(close)}</Show>
      </div>
    </div>
  );
}

/** A panel beside a button would not fit into a screen that is narrower: there it takes the whole width. */
const NARROW_WIDTH = 520;

/** Below a place on the screen, or above one that lies low; on the side of it where there is more room. */
export function placeAt(panel: HTMLElement, at: DOMRect): void {
  const is_right = at.left + at.width / 2 > innerWidth / 2;
  const is_low = at.bottom > innerHeight * 0.7;
  const style = panel.style;
  const is_narrow = innerWidth < NARROW_WIDTH;
  style.width = is_narrow ? "auto" : "max-content";
  style.left = is_narrow ? `${2 * GAP}px` : is_right ? "auto" : `${Math.max(GAP, at.left)}px`;
  style.right = is_narrow ? `${2 * GAP}px` : is_right ? `${Math.max(GAP, innerWidth - at.right)}px` : "auto";
  style.top = is_low ? "auto" : `${at.bottom + GAP}px`;
  style.bottom = is_low ? `${innerHeight - at.top + GAP}px` : "auto";
  style.maxHeight = `${(is_low ? at.top : innerHeight - at.bottom) - 4 * GAP}px`;
}
