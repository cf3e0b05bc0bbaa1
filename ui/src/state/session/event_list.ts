// The events of one session as a list with a known length, of which only the pages that somebody looks at are read.
// While the session goes on, what is new is asked for behind the last event; all else stays as it was read. Of a session that is
// followed live, what is new comes that way: only where the stored part ends is asked for, and what came is moved over to it.

import { batch, createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted, type Params } from "../../api/client";
import type { EventPage, SessionEvent, SeverityLevel } from "../../api/types";
import { missingPage, noPages, withEvents, withoutFar, type EventSpan } from "../../derive/events/event_pages";
import type { EventPages } from "../../derive/events/event_rows";
import { eventsOf, NO_TAIL, settled, wholeUntil } from "../../derive/events/tail";
import { parseTime, timeParameter } from "../../derive/time";
import type { App } from "../app";
import { createCoalesced } from "../refresh";
import type { LiveTail } from "./live_tail";

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

/** Where the stored part of a list ends, by one answer. */
interface StoredEnd {
  total: number;
  /** Sequence of the last event that matches. */
  last: number | null;
}

export interface EventList {
  pages: Accessor<EventPages>;
  /** Of a session that is followed live: up to this sequence the list is what is stored. */
  stored_until: Accessor<number | null>;
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

export interface EventListSource {
  live: LiveTail;
  /** Whether there is such a session, once that is answered. */
  isKnown(): Promise<boolean>;
  /** Where one begins to look; asked once for each filter. */
  firstIndex(list: EventList): Promise<number>;
}

export function createEventList(app: App, filter: Accessor<EventFilter>, { live, isKnown, firstIndex }: EventListSource): EventList {
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
  /** One looks for the end of the stored part, whoever asked first. */
  let joining: Promise<void> | null = null;
  let located: { asked: string; place: Promise<EventPlace | null> } | null = null;
  /** Set while what is new comes live. */
  const [end, setEnd] = createSignal<StoredEnd | null>(null);
  const shown = createMemo<EventPages>(() => {
    const tail = end() === null ? NO_TAIL : settled(live.tail(), end()?.last ?? 0);
    return tail.entries.length > 0 ? { ...pages(), tail } : pages();
  });

  const ask = (params: Params): Promise<EventPage> =>
    app.api.events(filter().id, { ...filterParams(filter()), ...params }, request.signal);

  /** `fresh`: all that was read before is of another list. */
  const take = (first_index: number, items: readonly SessionEvent[], total: number, fresh: boolean) =>
    setPages((known) => withoutFar(withEvents(fresh ? noPages(PAGE_SIZE) : known, first_index, items, total, known), wanted, PAGES_MAX));

  async function readPage(number: number, fresh = false): Promise<void> {
    const page = await ask({ offset: number * PAGE_SIZE, limit: PAGE_SIZE });
    // What is behind that end comes live, or is moved over from there.
    const total = end()?.total ?? page.total ?? 0;
    const items = page.items.slice(0, Math.max(0, total - number * PAGE_SIZE));
    // Something came in between the pages that are known: these are of another list now.
    const neighbour = fresh ? undefined : pages().read.get(number - 1)?.at(-1);
    const is_moved = neighbour !== undefined && neighbour.sequence === items[0]?.sequence;
    if (fresh || is_moved) end_cursor = null;
    take(number * PAGE_SIZE, items, total, fresh || is_moved);
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
    joining = null;
    is_starting = true;
    has_changed = false;
    setReady(false);
    setFailure(null);
    setEnd(null);
    live.restart();
    const begin = async () => {
      const beginLive = live.is_joined() ? await joinLive() : null;
      const first = Math.min(await firstIndex(list), Math.max(0, (end()?.total ?? Infinity) - 1));
      if (!signal.aborted) await readPage(Math.floor(first / PAGE_SIZE), true);
      if (!signal.aborted) beginLive?.();
    };
    void working(async () => {
      try {
        await begin();
      } catch (cause) {
        // One that only runs is known to the server from when it is asked for.
        const is_early = cause instanceof ApiFailure && cause.status === 404 && (await isKnown());
        if (!is_early) throw cause;
        if (!signal.aborted) await begin();
      }
    }).then(() => {
      if (signal.aborted) return;
      is_starting = false;
      if (live.is_joined() && end() === null) void working(joinNow);
      else if (has_changed) list.refresh();
    });
  }

  async function readEnd(): Promise<StoredEnd> {
    const page = await ask({ order: "desc", limit: 1 });
    return { total: page.total ?? 0, last: page.items[0]?.sequence ?? null };
  }

  /**
   * Finds where the stored part ends and what is live begins; what is returned begins it. What is stored at all is asked first: what
   * is stored meanwhile is then in both, and joined by its sequence, rather than in none.
   */
  async function joinLive(): Promise<() => void> {
    const { signal } = request;
    const stored = (await app.api.events(filter().id, { order: "desc", limit: 1 }, signal)).items[0]?.sequence ?? null;
    const next = await readEnd();
    // Of another filter that is not the end.
    signal.throwIfAborted();
    setEnd(next);
    const until = Math.max(stored ?? 0, next.last ?? 0);
    return () => live.begin(until > 0 ? until : null);
  }

  /** The same for a list that is there. */
  function joinNow(): Promise<void> {
    if (joining === null) {
      const mine = joinOnce().finally(() => void (joining === mine && (joining = null)));
      joining = mine;
    }
    return joining;
  }

  async function joinOnce(): Promise<void> {
    const begin = await joinLive();
    setPages((known) => ({ ...known, total: end()?.total ?? known.total }));
    end_cursor = null;
    begin();
    setFailure(null);
  }

  /** Some of what came live is stored now: it is moved over, or read where not all of it had come. */
  async function moveOver(before: StoredEnd): Promise<void> {
    const next = await readEnd();
    setFailure(null);
    if (next.total === before.total && next.last === before.last) return;
    const came = wholeUntil(live.tail(), next.last ?? 0);
    const is_whole = came !== null && before.total + came.length === next.total;
    const last_page = pages().read.get(Math.floor(before.total / PAGE_SIZE))?.length ?? 0;
    batch(() => {
      setEnd(next);
      if (is_whole && last_page === before.total % PAGE_SIZE) take(before.total, came, next.total, false);
      else setPages((known) => ({ ...known, total: next.total }));
      live.settle(next.last ?? 0);
    });
    // Something came in between: all that is new had come this way, and it is not as much.
    const is_covered = came !== null && came.at(-1)?.sequence === next.last;
    if (next.total < before.total || (is_covered && !is_whole)) await readAgain();
    else await pump();
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
    const joined_at = end();
    if (joined_at) return moveOver(joined_at);
    // It could not be asked where to begin.
    if (live.is_joined()) return joinNow();
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
  createEffect(on(live.is_joined, (joined) => joined && ready() && end() === null && void working(joinNow), { defer: true }));
  onCleanup(() => {
    request.abort();
    clearTimeout(pump_timer);
  });

  const list: EventList = {
    pages: shown, ready, loading,
    stored_until: () => {
      const stored = end();
      return stored && (stored.last ?? 0);
    },
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
      const came = eventsOf(shown().tail ?? NO_TAIL);
      const found = page.items[0] ?? came.find(({ time }) => parseTime(time) >= from_ms) ?? came.at(-1);
      return found ?? (await ask({ order: "desc", limit: 1 })).items[0] ?? null;
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
