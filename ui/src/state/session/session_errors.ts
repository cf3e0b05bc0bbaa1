// All errors of a session, for the list of what went wrong: as many as can be read at once, and how many there are.

import { createEffect, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { failureText, isAborted } from "../../api/client";
import type { SessionEvent } from "../../api/types";
import type { App } from "../app";
import { createCoalesced } from "../refresh";
import { filterParams, type EventFilter } from "./event_list";

export interface SessionErrors {
  /** `null` while nothing is read. */
  events: Accessor<SessionEvent[] | null>;
  total: Accessor<number>;
  failure: Accessor<string | null>;
  retry(): void;
}

/** The largest page: what lies beyond is counted, and reached by the list of events. */
const ERRORS_MAX = 5_000;
const REFRESH_GAP_MS = 1_000;

export function createSessionErrors(app: App, filter: Accessor<EventFilter>, changes: Accessor<unknown>): SessionErrors {
  const [events, setEvents] = createSignal<SessionEvent[] | null>(null);
  const [total, setTotal] = createSignal(0);
  const [failure, setFailure] = createSignal<string | null>(null);
  let request = new AbortController();
  async function read(): Promise<void> {
    const { signal } = request;
    try {
      const page = await app.api.events(filter().id, { ...filterParams({ ...filter(), errors: true }), limit: ERRORS_MAX }, signal);
      setEvents(page.items);
      setTotal(page.total ?? page.items.length);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(failureText(cause));
    }
  }
  const refresh = createCoalesced(read, REFRESH_GAP_MS);
  createEffect(on(filter, () => {
    request.abort();
    request = new AbortController();
    void read();
  }));
  createEffect(on(changes, refresh, { defer: true }));
  // After a reconnect, what failed is tried again.
  app.onChanged((changed) => changed === null && failure() !== null && refresh());
  onCleanup(() => request.abort());
  return { events, total, failure, retry: () => void read() };
}
