// The field of a filter: what is written, where the caret stands, what is offered there. What is written is passed on once
// one pauses.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import type { Params } from "../../api/client";
import type { FilterFault } from "../../api/types";
import { accept, placeAt, replacePart, type Offer } from "../../derive/filter/completion";
import type { App } from "../app";
import { createOffers } from "./offers";

export interface FilterFieldSource {
  /** The filter that holds. */
  value: Accessor<string>;
  /** Project and range of the sessions whose values are offered. */
  scope: Accessor<Params>;
  onChange(value: string): void;
}

export interface FilterField {
  text: Accessor<string>;
  offers: Accessor<Offer[]>;
  /** The offers are in sight. */
  shown: Accessor<boolean>;
  /** Index of the chosen one, or -1. */
  active: Accessor<number>;
  /** The element whose text this is. */
  attach(input: HTMLInputElement): void;
  onInput(): void;
  followCaret(): void;
  open(): void;
  /** Chooses another offer; opens them first. */
  step(by: 1 | -1): void;
  take(offer: Offer | undefined): void;
  /** The next word begins: what is offered first is meant. */
  mayTakeFirst(): boolean;
  close(): void;
  /** Closes and passes on at once. */
  leave(): void;
  empty(): void;
  correct(fault: FilterFault): void;
}

const PAUSE_MS = 180;
/** What is half a name or waits for its value would only be refused, or search for something else. */
const UNFINISHED_PAUSE_MS = 1_200;
/** More than this nobody reads through. */
const OFFERS_MAX = 60;

export function createFilterField(app: App, source: FilterFieldSource): FilterField {
  const [text, setText] = createSignal(source.value());
  const [caret, setCaret] = createSignal(0);
  const [open, setOpen] = createSignal(false);
  const [active, setActive] = createSignal(-1);
  let input: HTMLInputElement | undefined;

  const place = createMemo(() => (open() ? placeAt(text(), caret()) : null));
  const all_offers = createOffers(app, place, source.scope);
  const offers = createMemo(() => all_offers().slice(0, OFFERS_MAX));
  const shown = () => open() && offers().length > 0;
  createEffect(on(offers, () => setActive(-1)));

  const passing = createPassing(
    () => {
      const value = text().trim();
      if (value !== source.value()) source.onChange(value);
    },
    () => {
      const here = place();
      return here !== null && (here.kind === "value" ? here.prefix === "" : here.prefix !== "" && offers().length > 0);
    },
  );

  const write = (value: string, at = value.length) => {
    setText(value);
    setCaret(at);
    if (!input) return;
    // By hand throughout: bound to the address, the field would lose the space that one has just typed.
    input.value = value;
    input.setSelectionRange(at, at);
  };
  const rewrite = (value: string) => {
    write(value);
    passing.now();
    input?.focus();
  };
  const followCaret = () => setCaret(input?.selectionStart ?? 0);

  // Changed from outside, as by going back; while one types the field is ahead of the address and is left alone.
  createEffect(on(source.value, (value) => {
    if (text().trim() !== value) write(value);
  }, { defer: true }));

  return {
    text, offers, shown, active, followCaret,
    attach(element) {
      input = element;
      element.value = text();
    },
    onInput() {
      setText(input?.value ?? "");
      followCaret();
      setOpen(true);
      passing.later();
    },
    open: () => setOpen(true),
    step(by) {
      followCaret();
      const count = offers().length;
      if (!open()) setOpen(true);
      else if (count > 0) setActive((active() + by + (active() < 0 && by < 0 ? 1 : 0) + count) % count);
    },
    take(offer) {
      const here = place();
      if (!offer || !here) return;
      const done = accept(text(), here, offer);
      write(done.filter, done.caret);
      setOpen(offer.goes_on);
      if (!offer.goes_on) passing.now();
    },
    mayTakeFirst: () => (place()?.prefix ?? "") !== "",
    close: () => setOpen(false),
    leave() {
      setOpen(false);
      passing.now();
    },
    empty: () => rewrite(""),
    correct: (fault) => rewrite(replacePart(source.value(), fault, fault.suggestion ?? "")),
  };
}

/** Passes on after a pause; what is not finished gets a longer one, judged when the short one is over. */
function createPassing(pass: () => void, isUnfinished: () => boolean): { now(): void; later(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const now = () => {
    clearTimeout(timer);
    pass();
  };
  onCleanup(() => clearTimeout(timer));
  return {
    now,
    later() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (isUnfinished()) timer = setTimeout(pass, UNFINISHED_PAUSE_MS - PAUSE_MS);
        else pass();
      }, PAUSE_MS);
    },
  };
}
