// The filter of a list: a combobox that offers fields and values while one writes, and says where it is wrong. What is
// typed is passed on once one pauses.

import { createEffect, createMemo, createSignal, createUniqueId, For, on, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { Params } from "../../api/client";
import type { FilterFault } from "../../api/types";
import { accept, placeAt, replacePart, type Offer } from "../../derive/filter/completion";
import { faultText } from "../../derive/filter/fault";
import { useApp } from "../../state/app";
import { createOffers } from "../../state/list/offers";

export interface FilterBarProps {
  placeholder: string;
  value: string;
  /** What the server says is wrong with `value`. */
  fault: FilterFault | null;
  /** Project and range of the sessions whose values are offered. */
  scope: () => Params;
  onChange: (value: string) => void;
}

const PAUSE_MS = 180;
/** What is half a name or waits for its value would only be refused, or search for something else. */
const UNFINISHED_PAUSE_MS = 1_200;
/** More than this nobody reads through. */
const OFFERS_MAX = 60;

export function FilterBar(props: FilterBarProps): JSX.Element {
  const app = useApp();
  const id = createUniqueId();
  const [text, setText] = createSignal(props.value);
  const [caret, setCaret] = createSignal(0);
  const [open, setOpen] = createSignal(false);
  const [active, setActive] = createSignal(-1);
  let input!: HTMLInputElement;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const place = createMemo(() => (open() ? placeAt(text(), caret()) : null));
  const all_offers = createOffers(app, place, () => props.scope());
  const offers = createMemo(() => all_offers().slice(0, OFFERS_MAX));
  const shown = () => open() && offers().length > 0;
  createEffect(on(offers, () => setActive(-1)));

  const write = (value: string, at = value.length) => {
    setText(value);
    input.value = value;
    input.setSelectionRange(at, at);
    setCaret(at);
  };
  const pass = () => {
    clearTimeout(timer);
    const value = text().trim();
    if (value !== props.value) props.onChange(value);
  };
  const isUnfinished = () => {
    const here = place();
    return here !== null && (here.kind === "value" ? here.prefix === "" : here.prefix !== "" && offers().length > 0);
  };
  const passLater = (waited_ms: number) => {
    const pause_ms = isUnfinished() ? UNFINISHED_PAUSE_MS : PAUSE_MS;
    if (waited_ms >= pause_ms) return pass();
    timer = setTimeout(() => passLater(pause_ms), pause_ms - waited_ms);
  };
  const onInput = () => {
    setText(input.value);
    setCaret(input.selectionStart ?? 0);
    setOpen(true);
    clearTimeout(timer);
    passLater(0);
  };
  const take = (offer: Offer | undefined) => {
    const here = place();
    if (!offer || !here) return;
    const done = accept(text(), here, offer);
    write(done.filter, done.caret);
    setOpen(offer.goes_on);
    if (!offer.goes_on) pass();
  };
  const leave = () => {
    setOpen(false);
    pass();
  };
  const empty = () => {
    write("");
    pass();
    input.focus();
  };
  const correct = (fault: FilterFault) => {
    write(replacePart(props.value, fault, fault.suggestion ?? ""));
    pass();
    input.focus();
  };
  const keys: Record<string, () => boolean> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => {
      if (shown() && active() >= 0) take(offers()[active()]);
      else leave();
      return true;
    },
    Tab: () => {
      // Without a letter or a choice, Tab is the way on to the next control.
      if (!shown() || (active() < 0 && !place()?.prefix)) return false;
      take(offers()[Math.max(0, active())]);
      return true;
    },
    Escape: () => {
      const was_shown = shown();
      setOpen(false);
      return was_shown;
    },
  };
  const step = (by: number) => {
    if (!open()) {
      setCaret(input.selectionStart ?? 0);
      return setOpen(true);
    }
    const count = offers().length;
    if (count > 0) setActive((active() + by + (active() < 0 && by < 0 ? 1 : 0) + count) % count);
    return true;
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || (event.shiftKey && event.key === "Tab")) return;
    if (!keys[event.key]?.()) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const followCaret = () => setCaret(input.selectionStart ?? 0);

  // Changed from outside, as by going back; while one types the field is ahead of the address and is left alone.
  createEffect(on(() => props.value, (value) => {
    if (text().trim() !== value) write(value);
  }, { defer: true }));
  createEffect(() => {
    if (active() >= 0) document.getElementById(`${id}-${active()}`)?.scrollIntoView({ block: "nearest" });
  });
  // Set by hand throughout: bound to the address, it would lose the space that one has just typed.
  onMount(() => (input.value = text()));
  app.keys.bind({ "/": () => input.select() });
  onCleanup(() => clearTimeout(timer));

  /** Only while what is shown is what was asked. */
  const fault = () => (text().trim() === props.value && !shown() ? props.fault : null);
  return (
    <div class="filter-bar">
      <div class="filter-field">
        <Show when={fault()}>{(wrong) => <Mirror text={text()} fault={wrong()} input={input} />}</Show>
        <input
          ref={input}
          type="text"
          inputmode="search"
          enterkeyhint="search"
          role="combobox"
          aria-label="Filter"
          aria-autocomplete="list"
          aria-expanded={shown()}
          aria-controls={shown() ? `${id}-list` : undefined}
          aria-activedescendant={shown() && active() >= 0 ? `${id}-${active()}` : undefined}
          aria-invalid={fault() ? "true" : undefined}
          aria-describedby={fault() ? `${id}-fault` : undefined}
          placeholder={props.placeholder}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={onInput}
          on:keydown={onKey}
          onKeyUp={followCaret}
          onClick={() => {
            followCaret();
            if (input.value === "") setOpen(true);
          }}
          onBlur={leave}
        />
        <Show when={text() !== ""} fallback={<kbd aria-hidden="true">/</kbd>}>
          <button type="button" class="filter-clear" aria-label="Clear the filter" onClick={empty}>×</button>
        </Show>
      </div>
      <Show when={shown()}>
        <Offers id={id} offers={offers()} active={active()} onTake={take} />
      </Show>
      <Show when={fault()}>{(wrong) => <Fault id={`${id}-fault`} fault={wrong()} onCorrect={() => correct(wrong())} />}</Show>
    </div>
  );
}

function Offers(props: { id: string; offers: Offer[]; active: number; onTake: (offer: Offer) => void }): JSX.Element {
  return (
    <ul class="offers" role="listbox" id={`${props.id}-list`} aria-label="What can be written here">
      <For each={props.offers}>
        {(offer, index) => (
          <li
            id={`${props.id}-${index()}`}
            role="option"
            aria-selected={index() === props.active}
            // The field keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => props.onTake(offer)}
          >
            <span class="offer-label">{offer.label}</span>
            <span class="offer-note">{offer.note}</span>
          </li>
        )}
      </For>
    </ul>
  );
}

/** The same text behind the field, of which only the line below the wrong part is seen. */
function Mirror(props: { text: string; fault: FilterFault; input: HTMLInputElement }): JSX.Element {
  const [scroll, setScroll] = createSignal(props.input.scrollLeft);
  const follow = () => setScroll(props.input.scrollLeft);
  props.input.addEventListener("scroll", follow);
  onCleanup(() => props.input.removeEventListener("scroll", follow));
  const letters = () => [...props.text];
  const from = () => props.fault.position + (props.text.length - props.text.trimStart().length);
  // What is missing is marked where it is missing.
  const to = () => from() + Math.max(1, props.fault.length);
  return (
    <div class="filter-mirror" aria-hidden="true">
      <span style={{ transform: `translateX(${-scroll()}px)` }}>
        {letters().slice(0, from()).join("")}
        <span class="wrong">{letters().slice(from(), to()).join("") || " "}</span>
      </span>
    </div>
  );
}

function Fault(props: { id: string; fault: FilterFault; onCorrect: () => void }): JSX.Element {
  return (
    <div class="filter-fault" role="alert" id={props.id}>
      <span>{faultText(props.fault)}</span>
      <Show when={props.fault.suggestion}>
        {(suggestion) => (
          <button type="button" class="button small" onMouseDown={(event) => event.preventDefault()} onClick={() => props.onCorrect()}>
            Write <span class="mono">{suggestion()}</span>
          </button>
        )}
      </Show>
    </div>
  );
}
