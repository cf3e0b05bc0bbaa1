// The filter of a list: a combobox that offers fields and values while one writes, and says where it is wrong.

import { createEffect, createSignal, createUniqueId, For, onCleanup, Show, type JSX } from "solid-js";
import type { Params } from "../../api/client";
import type { FilterFault } from "../../api/types";
import type { Offer } from "../../derive/filter/completion";
import { faultText } from "../../derive/filter/fault";
import { useApp } from "../../state/app";
import { createFilterField, type FilterField } from "../../state/list/filter_field";

export interface FilterBarProps {
  placeholder: string;
  value: string;
  /** What the server says is wrong with `value`. */
  fault: FilterFault | null;
  /** Project and range of the sessions whose values are offered. */
  scope: () => Params;
  onChange: (value: string) => void;
}

export function FilterBar(props: FilterBarProps): JSX.Element {
  const app = useApp();
  const id = createUniqueId();
  const field = createFilterField(app, {
    value: () => props.value,
    scope: () => props.scope(),
    onChange: (value) => props.onChange(value),
  });
  /** Only while what is shown is what was asked. */
  const fault = () => (field.text().trim() === props.value && !field.shown() ? props.fault : null);
  const [input, setInput] = createSignal<HTMLInputElement>();
  app.keys.bind({ "/": () => input()?.select() });
  createEffect(() => {
    if (field.active() >= 0) document.getElementById(`${id}-${field.active()}`)?.scrollIntoView({ block: "nearest" });
  });
  return (
    <div class="filter-bar">
      <div class="filter-field">
        <Show when={fault()}>{(wrong) => <Mirror text={field.text()} fault={wrong()} input={input()} />}</Show>
        <Input id={id} field={field} placeholder={props.placeholder} is_wrong={fault() !== null} onInput={setInput} />
        <Show when={field.text() !== ""} fallback={<kbd aria-hidden="true">/</kbd>}>
          <button type="button" class="filter-clear" aria-label="Clear the filter" onClick={field.empty}>×</button>
        </Show>
      </div>
      <Show when={field.shown()}>
        <Offers id={id} offers={field.offers()} active={field.active()} onTake={field.take} />
      </Show>
      <Show when={fault()}>{(wrong) => <Fault id={`${id}-fault`} fault={wrong()} onCorrect={() => field.correct(wrong())} />}</Show>
    </div>
  );
}

function Input(props: {
  id: string;
  field: FilterField;
  placeholder: string;
  is_wrong: boolean;
  onInput: (input: HTMLInputElement) => void;
}): JSX.Element {
  const { field } = props;
  const keep = (input: HTMLInputElement) => {
    field.attach(input);
    props.onInput(input);
  };
  return (
    <input
      ref={keep}
      type="text"
      inputmode="search"
      enterkeyhint="search"
      role="combobox"
      aria-label="Filter"
      aria-autocomplete="list"
      aria-expanded={field.shown()}
      aria-controls={field.shown() ? `${props.id}-list` : undefined}
      aria-activedescendant={field.shown() && field.active() >= 0 ? `${props.id}-${field.active()}` : undefined}
      aria-invalid={props.is_wrong ? "true" : undefined}
      aria-describedby={props.is_wrong ? `${props.id}-fault` : undefined}
      placeholder={props.placeholder}
      autocomplete="off"
      autocapitalize="off"
      spellcheck={false}
      onInput={field.onInput}
      on:keydown={(event) => onFieldKey(field, event)}
      onKeyUp={field.followCaret}
      onClick={() => {
        field.followCaret();
        if (field.text() === "") field.open();
      }}
      onBlur={field.leave}
    />
  );
}

function onFieldKey(field: FilterField, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || (event.shiftKey && event.key === "Tab")) return;
  if (!isFieldKey(field, event.key)) return;
  // Before the page's own keys see it, for which Esc means to leave.
  event.preventDefault();
  event.stopPropagation();
}

/** Does what a key means in the field; whether it means something. */
function isFieldKey(field: FilterField, key: string): boolean {
  const chosen = () => (field.shown() ? field.offers()[field.active()] : undefined);
  switch (key) {
    case "ArrowDown":
    case "ArrowUp":
      field.step(key === "ArrowDown" ? 1 : -1);
      return true;
    case "Enter": {
      const offer = chosen();
      if (offer) field.take(offer);
      else field.leave();
      return true;
    }
    case "Tab": {
      // Without a letter or a choice, Tab is the way on to the next control.
      const offer = chosen() ?? (field.shown() && field.mayTakeFirst() ? field.offers()[0] : undefined);
      field.take(offer);
      return offer !== undefined;
    }
    case "Escape": {
      const was_shown = field.shown();
      field.close();
      return was_shown;
    }
    default:
      return false;
  }
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
function Mirror(props: { text: string; fault: FilterFault; input: HTMLInputElement | undefined }): JSX.Element {
  const { input } = props;
  const [scroll, setScroll] = createSignal(input?.scrollLeft ?? 0);
  const follow = () => setScroll(input?.scrollLeft ?? 0);
  input?.addEventListener("scroll", follow);
  onCleanup(() => input?.removeEventListener("scroll", follow));
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
