// The errors of a session in order, for stepping from one to the next (`e`, `E`) and for the notches of the kymogram.
// Read when first asked for; forgotten when the session has changed.

import { createEffect, on, type Accessor } from "solid-js";
import type { Params } from "../api/client";
import type { EventPage, SessionEvent } from "../api/types";
import { compareEvents } from "../derive/merge";
import { timeParameter } from "../derive/time";
import type { App } from "./app";
import { filterParams, type EventFilter } from "./event_list";

export interface ErrorIndex {
  /** The next error after an event (`1`) or the one before it (`-1`); from the start or the end without an event. */
  step(from: SessionEvent | null, direction: 1 | -1): Promise<SessionEvent | null>;
  /** The first error at or after the time; asked for by itself, as there may be many. */
  firstFrom(time_ms: number): Promise<SessionEvent | null>;
  forget(): void;
}

const PAGE_SIZE = 1_000;
/** A session with more errors than this is stepped through as far as this. */
const ERRORS_MAX = 20_000;

export function createErrorIndex(app: App, filter: Accessor<EventFilter>): ErrorIndex {
  let errors: Promise<SessionEvent[]> | null = null;

  /** Only errors, whether the list shows more or not. */
  const params = (): Params => filterParams({ ...filter(), errors: true });

  async function readAll(): Promise<SessionEvent[]> {
    const { id } = filter();
    const asked = params();
    const read: SessionEvent[] = [];
    let cursor: string | null = null;
    do {
      const page: EventPage = await app.api.events(id, { ...asked, limit: PAGE_SIZE, cursor });
      read.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null && read.length < ERRORS_MAX);
    return read;
  }

  function all(): Promise<SessionEvent[]> {
    errors ??= readAll().catch((cause: unknown) => {
      errors = null;
      throw cause;
    });
    return errors;
  }

  const forget = () => void (errors = null);
  createEffect(on(filter, forget));

  return {
    forget,
    async step(from, direction) {
      const list = await all();
      // The list's own order counts, which in a browser tab is not that of time.
      const index = from ? list.findIndex((event) => event.sequence === from.sequence) : -1;
      if (index >= 0) return list[index + direction] ?? null;
      if (!from) return (direction === 1 ? list[0] : list.at(-1)) ?? null;
      return direction === 1
        ? (list.find((event) => compareEvents(event, from) > 0) ?? null)
        : (list.findLast((event) => compareEvents(event, from) < 0) ?? null);
    },
    async firstFrom(time_ms) {
      const page = await app.api.events(filter().id, { ...params(), from: timeParameter(time_ms), limit: 1 });
      return page.items[0] ?? null;
    },
  };
}
