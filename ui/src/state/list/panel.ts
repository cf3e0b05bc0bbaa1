// A part of the page that is read by itself, refreshes itself and may fail by itself.

import { createEffect, createMemo, createSignal, on, type Accessor } from "solid-js";
import { failureText, filterFault, isAborted } from "../../api/client";
import type { Changed } from "../../api/types";
import type { App } from "../app";
import { createCoalesced } from "../refresh";

export interface Panel<Value> {
  /** The last answer; it stays while the next one is read, or cannot be. */
  value: Accessor<Value | null>;
  failure: Accessor<string | null>;
  /** An answer has come, or none can. */
  settled: Accessor<boolean>;
  retry(): void;
}

export interface PanelSource<Value> {
  /** While not active (another place is shown) nothing is asked; what was missed is read on return. */
  active: Accessor<boolean>;
  /** Another key is another question. */
  key: Accessor<string>;
  project: Accessor<string | null>;
  /** Between two refreshes. */
  gap_ms: number;
  read(signal: AbortSignal): Promise<Value>;
}

export function createPanel<Value>(app: App, source: PanelSource<Value>): Panel<Value> {
  const [value, setValue] = createSignal<Value | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);
  const [settled, setSettled] = createSignal(false);
  const key = createMemo(source.key);
  let request = new AbortController();

  async function load(): Promise<void> {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const answer = await source.read(signal);
      if (signal.aborted) return;
      setValue(() => answer);
      setFailure(null);
    } catch (cause) {
      if (isAborted(cause) || signal.aborted) return;
      // What is wrong with the filter is told where it is written.
      setFailure(filterFault(cause) ? null : failureText(cause));
    }
    setSettled(true);
  }

  const refresh = createCoalesced(load, source.gap_ms);
  whileActive(source.active, key, () => void load(), refresh, (onChange) =>
    app.onChanged((changed) => {
      if (concerns(changed, source.project())) onChange();
    }),
  );
  return { value, failure, settled, retry: () => void load() };
}

/** Loads for each new key and refreshes at each change; both wait for `active`. */
export function whileActive(
  active: Accessor<boolean>,
  key: Accessor<string>,
  load: () => void,
  refresh: () => void,
  listen: (onChange: () => void) => void,
): void {
  let loaded_key: string | null = null;
  let stale = false;
  createEffect(
    on([active, key], () => {
      if (!active()) return;
      if (loaded_key !== key()) load();
      else if (stale) refresh();
      loaded_key = key();
      stale = false;
    }),
  );
  listen(() => {
    if (active()) refresh();
    else stale = true;
  });
}

export function concerns(changed: Changed | null, project: string | null): boolean {
  return changed === null || project === null || changed.projects.includes(project);
}
