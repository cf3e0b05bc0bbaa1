// Keyboard: one listener, views bind keys while they are shown. What is typed into a field stays there.

import { onCleanup } from "solid-js";

/** By `KeyboardEvent.key`, or two of them with a space for a sequence, as `g s`. */
export type KeyBindings = Record<string, () => void>;

export interface Keys {
  /** The binding made last wins; ends with the component that made it. */
  bind(bindings: KeyBindings): void;
}

const SEQUENCE_MS_MAX = 1_000;

export function createKeys(): Keys {
  const layers: KeyBindings[] = [];
  let prefix: { key: string; at_ms: number } | null = null;

  function find(name: string): (() => void) | undefined {
    return layers.findLast((layer) => layer[name])?.[name];
  }

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    if (isField(event.target)) {
      if (event.key !== "Escape") return;
      // Left, not emptied, as browsers do with a search field.
      event.preventDefault();
      (event.target as HTMLElement).blur();
      return;
    }
    // A button or link that has the focus keeps Enter for itself, and space.
    if ((event.key === "Enter" || event.key === " ") && (event.target as Element | null)?.closest("button, a, summary")) return;
    // Where there is something to scroll, the arrows scroll it, and space.
    if ((event.key.startsWith("Arrow") || event.key === " ") && (event.target as Element | null)?.closest("[data-keys=own]")) return;
    const is_sequence = prefix && performance.now() - prefix.at_ms < SEQUENCE_MS_MAX;
    const handler = (is_sequence ? find(`${prefix?.key} ${event.key}`) : undefined) ?? find(event.key);
    prefix = { key: event.key, at_ms: performance.now() };
    if (!handler) return;
    event.preventDefault();
    handler();
  }

  document.addEventListener("keydown", onKey);
  return {
    bind(bindings) {
      layers.push(bindings);
      onCleanup(() => layers.splice(layers.indexOf(bindings), 1));
    },
  };
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}
