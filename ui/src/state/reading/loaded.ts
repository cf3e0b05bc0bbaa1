// One thing that is read: loaded again for each new key, kept while it is read again.

import { createEffect, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted, filterFault } from "../../api/client";
import type { FilterFault } from "../../api/types";

export interface ReadFailure {
  /** 0: the server was not reached. */
  status: number;
  text: string;
  /** What is wrong with the filter, if that is it. */
  fault: FilterFault | null;
}

export interface Loaded<Value> {
  value: Accessor<Value | null>;
  failure: Accessor<ReadFailure | null>;
  loading: Accessor<boolean>;
  /** Puts in what a change was answered with. */
  set(value: Value): void;
  reload(): Promise<void>;
}

/** What the last key's answer was is forgotten with it; `null`: there is nothing to read. */
export function createLoaded<Key, Value>(
  key: Accessor<Key | null>,
  load: (key: Key, signal: AbortSignal) => Promise<Value>,
): Loaded<Value> {
  const [value, setValue] = createSignal<Value | null>(null);
  const [failure, setFailure] = createSignal<ReadFailure | null>(null);
  const [loading, setLoading] = createSignal(false);
  let request = new AbortController();

  async function reload(): Promise<void> {
    const asked = key();
    request.abort();
    request = new AbortController();
    const { signal } = request;
    if (asked === null) return;
    setLoading(true);
    try {
      const answer = await load(asked, signal);
      if (signal.aborted) return;
      setValue(() => answer);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(readFailure(cause));
    } finally {
      if (!signal.aborted) setLoading(false);
    }
  }

  createEffect(
    on(key, () => {
      setValue(null);
      setFailure(null);
      void reload();
    }),
  );
  onCleanup(() => request.abort());
  return { value, failure, loading, set: (next) => setValue(() => next), reload };
}

export function readFailure(cause: unknown): ReadFailure {
  return { status: cause instanceof ApiFailure ? cause.status : 0, text: failureText(cause), fault: filterFault(cause) };
}
