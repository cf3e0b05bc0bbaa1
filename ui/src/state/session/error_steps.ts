// The errors of a session one by one: the next, the one before, the first from a time on. Each is asked for by itself,
// as there may be many.

import type { Accessor } from "solid-js";
import type { Params } from "../../api/client";
import type { SessionEvent } from "../../api/types";
import { timeParameter } from "../../derive/time";
import type { App } from "../app";
import { filterParams, type EventFilter } from "./event_list";

export interface ErrorSteps {
  /** The next error after an event (`1`) or the one before it (`-1`); from the start or the end without an event. */
  step(from: SessionEvent | null, direction: 1 | -1): Promise<SessionEvent | null>;
  /** The first error at or after the time. */
  firstFrom(time_ms: number): Promise<SessionEvent | null>;
}

export function createErrorSteps(app: App, filter: Accessor<EventFilter>): ErrorSteps {
  /** Only errors, whether the list shows more or not. */
  const ask = async (params: Params): Promise<SessionEvent[]> =>
    (await app.api.events(filter().id, { ...filterParams({ ...filter(), errors: true }), ...params })).items;

  return {
    async step(from, direction) {
      // The list's own order counts, which in a browser tab is not that of time: the server knows it.
      const order = direction === 1 ? "asc" : "desc";
      if (!from) return (await ask({ order, limit: 1 }))[0] ?? null;
      const [at] = await ask({ order, around: from.sequence, limit: 1 });
      if (!at || at.sequence !== from.sequence) return at ?? null;
      // One before it, itself, and at least one behind.
      const near = await ask({ order, around: from.sequence, limit: 3 });
      return near[near.findIndex(({ sequence }) => sequence === from.sequence) + 1] ?? null;
    },
    async firstFrom(time_ms) {
      return (await ask({ from: timeParameter(time_ms), limit: 1 }))[0] ?? null;
    },
  };
}
