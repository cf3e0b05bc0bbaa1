// The errors of a session one by one: the next, the one before, the first from a time on. Each is asked for by itself,
// as there may be many; those that came live and are not stored yet are looked for where they are.

import type { Accessor } from "solid-js";
import type { Params } from "../../api/client";
import type { SessionEvent } from "../../api/types";
import { isSessionError } from "../../derive/events/tail";
import { parseTime, timeParameter } from "../../derive/time";
import type { App } from "../app";
import { filterParams, type EventFilter } from "./event_list";

export interface ErrorSteps {
  /** The next error after an event (`1`) or the one before it (`-1`); from the start or the end without an event. */
  step(from: SessionEvent | null, direction: 1 | -1): Promise<SessionEvent | null>;
  /** The first error at or after the time. */
  firstFrom(time_ms: number): Promise<SessionEvent | null>;
}

/** `live`: events behind those that are stored. */
export function createErrorSteps(app: App, filter: Accessor<EventFilter>, live: () => SessionEvent[]): ErrorSteps {
  /** Only errors, whether the list shows more or not. */
  const ask = async (params: Params): Promise<SessionEvent[]> =>
    (await app.api.events(filter().id, { ...filterParams({ ...filter(), errors: true }), ...params })).items;

  const stored = {
    async step(from: SessionEvent | null, direction: 1 | -1): Promise<SessionEvent | null> {
      // The list's own order counts, which in a browser tab is not that of time: the server knows it.
      const order = direction === 1 ? "asc" : "desc";
      if (!from) return (await ask({ order, limit: 1 }))[0] ?? null;
      const [at] = await ask({ order, around: from.sequence, limit: 1 });
      if (!at || at.sequence !== from.sequence) return at ?? null;
      // One before it, itself, and at least one behind.
      const near = await ask({ order, around: from.sequence, limit: 3 });
      return near[near.findIndex(({ sequence }) => sequence === from.sequence) + 1] ?? null;
    },
    async firstFrom(time_ms: number): Promise<SessionEvent | null> {
      return (await ask({ from: timeParameter(time_ms), limit: 1 }))[0] ?? null;
    },
  };

  return {
    async step(from, direction) {
      const errors = live().filter(isSessionError);
      const is_live = from !== null && live().some(({ sequence }) => sequence === from.sequence);
      const near = is_live ? errors.filter(({ sequence }) => (direction === 1 ? sequence > from.sequence : sequence < from.sequence)) : errors;
      const found = direction === 1 ? near[0] : near.at(-1);
      if (direction === 1) return (is_live ? null : await stored.step(from, 1)) ?? found ?? null;
      // Without a start one goes back from the end.
      if ((is_live || from === null) && found) return found;
      return stored.step(is_live ? null : from, -1);
    },
    async firstFrom(time_ms) {
      const found = await stored.firstFrom(time_ms);
      return found ?? live().find((event) => isSessionError(event) && parseTime(event.time) >= time_ms) ?? null;
    },
  };
}
