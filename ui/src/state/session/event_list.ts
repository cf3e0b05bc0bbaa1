// The events of one session: a growing prefix of the list in order, which knows how long the whole is.
// The list itself has no holes, so whatever lies further down is reached by reading up to it; a single event is asked
// for by its time and can be shown before that.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { failureText, isAborted, type Params } from "../api/client";
import type { SessionEvent, SeverityLevel } from "../api/types";
import { timeParameter } from "../derive/time";
import type { App } from "./app";
import { createCoalesced } from "./refresh";

export interface EventFilter {
  id: string;
  text: string;
  severity: SeverityLevel | null;
  errors: boolean;
}

/** The filter as the API wants it. */
export function filterParams({ text, severity, errors }: EventFilter): Params {
  return { text: text || null, severity, errors: errors ? "true" : null };
}

export interface EventList {
  rows: Accessor<SessionEvent[]>;
  /** How many match; rows beyond those read are drawn as places kept free. */
  total: Accessor<number>;
  ready: Accessor<boolean>;
  loading: Accessor<boolean>;
  failure: Accessor<string | null>;
  /** Reads until the row of this index is there. */
  need(index: number): void;
  /** Index of the event, reading up to it; -1 if it is not in the list. */
  findSequence(sequence: number): Promise<number>;
  /** The first event at or after the time, or the last one of all; without reading up to it. */
  firstFrom(time_ms: number): Promise<SessionEvent | null>;
  retry(): void;
  refresh(): void;
}

const PAGE_SIZE = 500;
/** Pages of a reading that goes far: the largest the API gives. */
const SEEK_PAGE_SIZE = 5_000;
const REFRESH_GAP_MS = 400;

type IsEnough = (rows: readonly SessionEvent[]) => boolean;

export function createEventList(app: App, filter: Accessor<EventFilter>): EventList {
  const [rows, setRows] = createSignal<SessionEvent[]>([]);
  const [total, setTotal] = createSignal(0);
  const [ready, setReady] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [failure, setFailure] = createSignal<string | null>(null);
  const key = createMemo(() => JSON.stringify(filter()));
  let request = new AbortController();
  let next_cursor: string | null = null;
  /** Where the last page began: it is read again when something was added. */
  let last_page: { cursor: string | null; start: number } = { cursor: null, start: 0 };
  /** Readings are one after the other, as each needs the cursor of the one before. */
  let chain: Promise<void> = Promise.resolve();

  const complete = () => ready() && next_cursor === null;

  async function readPage(cursor: string | null, start: number, limit: number): Promise<void> {
    const params: Params = { ...filterParams(filter()), limit, cursor };
    const page = await app.api.events(filter().id, params, request.signal);
    last_page = { cursor, start };
    next_cursor = page.next_cursor;
    const known = rows();
    // Events do not change: what is known stays the same object, so that what shows it stays as it is.
    const items = page.items.map((item, index) => {
      const old = known[start + index];
      return old?.sequence === item.sequence && old.session_id === item.session_id ? old : item;
    });
    setRows(start === 0 ? items : [...known.slice(0, start), ...items]);
    setTotal(Math.max(page.total ?? 0, rows().length));
    setReady(true);
    setFailure(null);
  }

  async function readUntil(isEnough: IsEnough): Promise<void> {
    if (!ready()) await readPage(null, 0, PAGE_SIZE);
    while (!isEnough(rows()) && next_cursor !== null) {
      // The first steps are small, for a quick answer; who goes on wants to go far.
      await readPage(next_cursor, rows().length, rows().length >= 2 * PAGE_SIZE ? SEEK_PAGE_SIZE : PAGE_SIZE);
    }
  }

  function queue(work: () => Promise<void>): Promise<void> {
    const { signal } = request;
    chain = chain.then(async () => {
      if (signal.aborted) return;
      setLoading(true);
      try {
        await work();
      } catch (cause) {
        if (!isAborted(cause)) setFailure(failureText(cause));
      } finally {
        if (!signal.aborted) setLoading(false);
      }
    });
    return chain;
  }

  function start(): void {
    request.abort();
    request = new AbortController();
    setReady(false);
    next_cursor = null;
    void queue(() => readUntil(() => true));
  }

  /** Reads anew what has been read, when an event came in late and not at the end. */
  async function readAgain(): Promise<void> {
    const wanted = rows().length;
    await readPage(null, 0, Math.min(Math.max(wanted, PAGE_SIZE), SEEK_PAGE_SIZE));
    await readUntil((read) => read.length >= wanted);
  }

  async function refreshNow(): Promise<void> {
    if (!ready()) return readUntil(() => true);
    if (!complete()) {
      const params: Params = { ...filterParams(filter()), limit: 1 };
      const page = await app.api.events(filter().id, params, request.signal);
      setTotal(Math.max(page.total ?? 0, rows().length));
      setFailure(null);
      return;
    }
    await readPage(last_page.cursor, last_page.start, SEEK_PAGE_SIZE);
    await readUntil(() => next_cursor === null);
    if (rows().length < total()) await readAgain();
  }

  const need = (index: number) => {
    if (failure() || (ready() && (index < rows().length || next_cursor === null))) return;
    void queue(() => readUntil((read) => index < read.length));
  };

  createEffect(on(key, start));
  onCleanup(() => request.abort());

  return {
    rows, total, ready, loading, failure, need,
    async findSequence(sequence) {
      const indexOf = () => rows().findLastIndex((event) => event.sequence === sequence);
      await queue(() => readUntil((read) => read.some((event) => event.sequence === sequence)));
      return indexOf();
    },
    async firstFrom(time_ms) {
      const params: Params = { ...filterParams(filter()), from: timeParameter(time_ms), limit: 1 };
      const page = await app.api.events(filter().id, params, request.signal);
      if (page.items[0]) return page.items[0];
      await queue(() => readUntil(() => false));
      return rows().at(-1) ?? null;
    },
    retry: () => {
      setFailure(null);
      if (ready()) void queue(refreshNow);
      else start();
    },
    refresh: createCoalesced(() => queue(refreshNow), REFRESH_GAP_MS),
  };
}
