// The events of one session as a list with a known length, of which only the pages that somebody looks at are read.
// While the session goes on, what is new is asked for behind the last event; all else stays as it was read.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted, type Params } from "../../api/client";
import type { EventPage, SessionEvent, SeverityLevel } from "../../api/types";
import { missingPage, noPages, withEvents, withoutFar, type EventSpan } from "../../derive/events/event_pages";
import type { EventPages } from "../../derive/events/event_rows";
import { timeParameter } from "../../derive/time";
import type { App } from "../app";
import { createCoalesced } from "../refresh";

export interface EventFilter {
  id: string;
  filter: string;
  severity: SeverityLevel | null;
  errors: boolean;
  from_ms: number | null;
  to_ms: number | null;
}

/** The filter as the API wants it. */
export function filterParams({ filter, severity, errors, from_ms, to_ms }: EventFilter): Params {
  return {
    filter: filter || null,
    severity,
    errors: errors ? "true" : null,
    from: from_ms === null ? null : timeParameter(from_ms),
    to: to_ms === null ? null : timeParameter(to_ms),
  };
}

/** Where an event is among those that match, or would be. */
export interface EventPlace {
  index: number;
  /** It matches, so that it is in the list. */
  is_listed: boolean;
}

export interface EventList {
  pages: Accessor<EventPages>;
  ready: Accessor<boolean>;
  loading: Accessor<boolean>;
  failure: Accessor<string | null>;
  /** What the server did not understand of the filter. */
  wrong_filter: Accessor<string | null>;
  /** Reads what is missing of these, both included; what was asked for before and is not read yet is forgotten. */
  show(first_index: number, last_index: number): void;
  /** `null`: the session has no such event. */
  locate(sequence: number): Promise<EventPlace | null>;
  /** How many match, as the server has it now. */
  count(): Promise<number>;
  /** The first event at or after the time, or the last one of all. */
  firstFrom(time_ms: number): Promise<SessionEvent | null>;
  retry(): void;
  refresh(): void;
}

export const PAGE_SIZE = 500;
/** Pages kept: 30,000 events are some 40 MB in a browser. */
const PAGES_MAX = 60;
const TAIL_SIZE = 2_000;
const REFRESH_GAP_MS = 400;
/** What is scrolled past faster than this is not read. */
const PASSING_MS = 40;

/** `firstIndex`: where one begins to look; asked once for each filter. */
export function createEventList(app: App, filter: Accessor<EventFilter>, firstIndex: (list: EventList) => Promise<number>): EventList {
  const [pages, setPages] = createSignal<EventPages>(noPages(PAGE_SIZE));
  const [ready, setReady] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [failure, setFailure] = createSignal<unknown>(null);
  const key = createMemo(() => JSON.stringify(filter()));
  let request = new AbortController();
  /** Behind the last event, once that has been read. */
  let end_cursor: string | null = null;
  let wanted: EventSpan = { first: 0, last: 0 };
  let pump_timer: ReturnType<typeof setTimeout> | undefined;
  let is_pumping = false;
  /** The first page of the filter is being read; what changes meanwhile is looked at afterwards. */
  let is_starting = false;
  let has_changed = false;
  let located: { asked: string; place: Promise<EventPlace | null> } | null = null;

  const ask = (params: Params): Promise<EventPage> =>
    app.api.events(filter().id, { ...filterParams(filter()), ...params }, request.signal);

  /** `fresh`: all that was read before is of another list. */
  const take = (first_index: number, items: readonly SessionEvent[], total: number, fresh: boolean) =>
    setPages((known) => withoutFar(withEvents(fresh ? noPages(PAGE_SIZE) : known, first_index, items, total, known), wanted, PAGES_MAX));

  async function readPage(number: number, fresh = false): Promise<void> {
    const page = await ask({ offset: number * PAGE_SIZE, limit: PAGE_SIZE });
    const total = page.total ?? 0;
    // Something came in between the pages that are known: these are of another list now.
    const neighbour = fresh ? undefined : pages().read.get(number - 1)?.at(-1);
    const is_moved = neighbour !== undefined && neighbour.sequence === page.items[0]?.sequence;
    if (fresh || is_moved) end_cursor = null;
    take(number * PAGE_SIZE, page.items, total, fresh || is_moved);
    if (page.next_cursor === null) end_cursor = page.last_cursor;
    setReady(true);
    setFailure(null);
  }

  /** One page after the other, and each time what is wanted then. */
  async function pump(): Promise<void> {
    if (is_pumping || !ready()) return;
    is_pumping = true;
    for (let number = missingPage(pages(), wanted), last = -1; number >= 0 && number !== last && failure() === null; last = number, number = missingPage(pages(), wanted)) {
      await working(() => readPage(number));
    }
    is_pumping = false;
  }

  async function working(work: () => Promise<void>): Promise<void> {
    const { signal } = request;
    setLoading(true);
    try {
      await work();
    } catch (cause) {
      if (!isAborted(cause)) setFailure(cause);
    } finally {
      if (!signal.aborted) setLoading(false);
    }
  }

  function start(): void {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    end_cursor = null;
    // Its answer was asked for with what is aborted now.
    located = null;
    is_starting = true;
    has_changed = false;
    setReady(false);
    setFailure(null);
    void working(async () => {
      const first = await firstIndex(list);
      if (!signal.aborted) await readPage(Math.floor(first / PAGE_SIZE), true);
    }).then(() => {
      if (signal.aborted) return;
      is_starting = false;
      if (has_changed) list.refresh();
    });
  }

  /** Reads anew what is looked at, when an event came in late and not at the end; the rest is read when it is looked at. */
  async function readAgain(): Promise<void> {
    end_cursor = null;
    const first = Math.floor(wanted.first / PAGE_SIZE);
    await readPage(first, true);
    for (let number = missingPage(pages(), wanted); number > first; number = missingPage(pages(), wanted)) await readPage(number);
  }

  async function refreshNow(): Promise<void> {
    const { total } = pages();
    // Begun anew it would be no sooner there, and whoever asks where an event is would get no answer.
    if (is_starting) return void (has_changed = true);
    if (!ready()) return start();
    if (total === 0) return readPage(0, true);
    if (end_cursor === null) {
      const total_now = (await ask({ limit: 1 })).total ?? 0;
      setFailure(null);
      return void setPages({ ...pages(), total: total_now });
    }
    for (let cursor: string | null = end_cursor; cursor !== null; ) {
      const page: EventPage = await ask({ cursor, limit: TAIL_SIZE });
      const known = pages().total;
      if (page.total !== known + page.items.length && page.next_cursor === null) return readAgain();
      end_cursor = page.last_cursor;
      cursor = page.next_cursor;
      if (page.items.length > 0) take(known, page.items, known + page.items.length, false);
    }
    setFailure(null);
  }

  async function placeOf(sequence: number): Promise<EventPlace | null> {
    const asked_of = key();
    try {
      const page = await ask({ around: sequence, limit: 1 });
      return { index: page.first_index ?? 0, is_listed: page.items[0]?.sequence === sequence };
    } catch (cause) {
      if (cause instanceof ApiFailure && cause.status === 404) return null;
      // Who asks as soon as the filter changes may be sooner than the list, which aborts all that was asked before.
      const was_early = isAborted(cause) && key() === asked_of && !request.signal.aborted;
      if (was_early) return list.locate(sequence);
      throw cause;
    }
  }

  createEffect(on(key, start));
  onCleanup(() => {
    request.abort();
    clearTimeout(pump_timer);
  });

  const list: EventList = {
    pages, ready, loading,
    failure: () => (failure() === null ? null : failureText(failure())),
    wrong_filter() {
      const cause = failure();
      // A request that is wrong is so because of the filter: all else of it is chosen, not written.
      return cause instanceof ApiFailure && cause.status === 400 ? cause.detail.replace(/^filter, /, "") : null;
    },
    show(first, last) {
      wanted = { first, last };
      clearTimeout(pump_timer);
      if (missingPage(pages(), wanted) >= 0) pump_timer = setTimeout(() => void pump(), PASSING_MS);
    },
    locate(sequence) {
      // At the start both the list and who shows it ask.
      const asked = `${key()} ${sequence}`;
      if (located?.asked !== asked) {
        const place = placeOf(sequence);
        located = { asked, place };
        const forget = () => void (located?.place === place && (located = null));
        place.then(forget, forget);
      }
      return located.place;
    },
    count: async () => (await ask({ limit: 1 })).total ?? 0,
    async firstFrom(time_ms) {
      const from_ms = Math.max(time_ms, filter().from_ms ?? time_ms);
      const page = await ask({ from: timeParameter(from_ms), limit: 1 });
      return page.items[0] ?? (await ask({ order: "desc", limit: 1 })).items[0] ?? null;
    },
    retry: () => {
      setFailure(null);
      if (ready()) void working(refreshNow).then(pump);
      else start();
    },
    refresh: createCoalesced(async () => {
      // What failed is tried again with each change and after each reconnect; a wrong filter stays wrong.
      if (list.wrong_filter() === null) await working(refreshNow);
    }, REFRESH_GAP_MS),
  };
  return list;
}
