// A list that is read page by page. While one is at its top it follows what happens; further down nothing moves.

import { createEffect, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { isAborted } from "../../api/client";
import type { Page } from "../../api/types";
import { createCoalesced } from "../refresh";
import { readFailure, type ReadFailure } from "./loaded";

export interface Paged<Item> {
  items: Accessor<Item[]>;
  /** A first page has been read, for whatever key. */
  ready: Accessor<boolean>;
  loading: Accessor<boolean>;
  /** The items are the answer to another question than the one asked now. */
  stale: Accessor<boolean>;
  failure: Accessor<ReadFailure | null>;
  has_more: Accessor<boolean>;
  loadMore(): void;
  retry(): void;
  /** Something has changed: read again as soon as that moves nothing. */
  refresh(): void;
  setAtTop(at_top: boolean): void;
}

const REFRESH_GAP_MS = 1_500;

/** `key` says what is asked; `null`: nothing now, what is there stays. */
export function createPaged<Item>(
  key: Accessor<string | null>,
  read: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>,
): Paged<Item> {
  const [items, setItems] = createSignal<Item[]>([]);
  const [answered_key, setAnsweredKey] = createSignal<string | null>(null);
  const [loading, setLoading] = createSignal(false);
  const [failure, setFailure] = createSignal<ReadFailure | null>(null);
  const [cursor, setCursor] = createSignal<string | null>(null);
  let request = new AbortController();
  let at_top = true;
  let has_changed = false;
  let loading_more = false;

  async function load(): Promise<void> {
    const asked_key = key();
    if (asked_key === null) return;
    request.abort();
    request = new AbortController();
    const { signal } = request;
    loading_more = false;
    has_changed = false;
    setLoading(true);
    try {
      const page = await read(null, signal);
      if (signal.aborted) return;
      setItems(page.items);
      setCursor(page.next_cursor);
      setAnsweredKey(asked_key);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(readFailure(cause));
    } finally {
      if (!signal.aborted) setLoading(false);
    }
  }

  async function loadMore(): Promise<void> {
    const from = cursor();
    if (loading_more || from === null || loading() || answered_key() !== key()) return;
    loading_more = true;
    const { signal } = request;
    try {
      const page = await read(from, signal);
      if (signal.aborted) return;
      setItems([...items(), ...page.items]);
      setCursor(page.next_cursor);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(readFailure(cause));
    } finally {
      if (!signal.aborted) loading_more = false;
    }
  }

  const readAgain = createCoalesced(load, REFRESH_GAP_MS);
  createEffect(on(key, (asked) => void (asked !== null && asked !== answered_key() && load())));
  onCleanup(() => request.abort());
  return {
    items, loading, failure,
    ready: () => answered_key() !== null,
    stale: () => answered_key() !== null && key() !== null && answered_key() !== key(),
    has_more: () => cursor() !== null,
    loadMore: () => void loadMore(),
    retry: () => void load(),
    refresh() {
      has_changed = true;
      if (at_top && key() !== null) readAgain();
    },
    setAtTop(next) {
      at_top = next;
      if (at_top && has_changed && key() !== null) readAgain();
    },
  };
}
