// A field to filter by, reached with `/`. What is typed is passed on once one pauses.

import { createEffect, on, onCleanup, type JSX } from "solid-js";
import { useApp } from "../../state/app";

const PAUSE_MS = 180;

export interface FilterBoxProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}

export function FilterBox(props: FilterBoxProps): JSX.Element {
  const app = useApp();
  let input!: HTMLInputElement;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pass = () => {
    clearTimeout(timer);
    if (input.value.trim() !== props.value) props.onChange(input.value.trim());
  };
  const onInput = () => {
    clearTimeout(timer);
    timer = setTimeout(pass, PAUSE_MS);
  };
  // Changed from outside, as by going back; while one types the field is ahead of the address and is left alone.
  createEffect(on(() => props.value, (value) => {
    if (input.value.trim() !== value) input.value = value;
  }));
  app.keys.bind({ "/": () => input.select() });
  onCleanup(() => clearTimeout(timer));
  return (
    <label class="filter-box">
      <span class="off-screen">{props.label}</span>
      <input
        ref={input}
        type="search"
        placeholder={props.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={props.value}
        onInput={onInput}
        onChange={pass}
      />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}
