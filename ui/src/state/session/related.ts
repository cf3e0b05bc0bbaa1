// Sessions that belong with one: of the same user before and after, and the other tabs of the visit.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { failureText, isAborted, type Params } from "../../api/client";
import type { Session } from "../../api/types";
import { termOf } from "../../derive/events/filter_terms";
import type { App } from "../app";

/** Of one user in one project, as a filter; `null` for nobody. */
export function userFilter(session: Session): string | null {
  if (session.user?.id) return termOf("user.id", session.user.id);
  return session.user?.name ? termOf("user.name", session.user.name) : null;
}

export interface RelatedPart {
  /** `null` while it is not read. */
  sessions: Accessor<Session[] | null>;
  has_more: Accessor<boolean>;
  failure: Accessor<string | null>;
  retry(): void;
}

const PART_SIZE = 50;

/** The sessions that `params` asks for without `id` itself; nothing is asked while `params` is null. */
export function createRelatedPart(app: App, id: Accessor<string>, paramsNow: Accessor<Params | null>): RelatedPart {
  const [sessions, setSessions] = createSignal<Session[] | null>(null);
  const [has_more, setHasMore] = createSignal(false);
  const [failure, setFailure] = createSignal<string | null>(null);
  const key = createMemo(() => JSON.stringify([id(), paramsNow()]));
  let request = new AbortController();
  async function read(): Promise<void> {
    request.abort();
    request = new AbortController();
    const params = paramsNow();
    if (!params) return;
    try {
      const page = await app.api.sessions({ ...params, limit: PART_SIZE }, request.signal);
      setSessions(page.items.filter((session) => session.id !== id()));
      setHasMore(page.next_cursor !== null);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(failureText(cause));
    }
  }
  createEffect(on(key, () => void read()));
  // After a reconnect, what failed is tried again.
  app.onChanged((changed) => changed === null && failure() !== null && void read());
  onCleanup(() => request.abort());
  return { sessions, has_more, failure, retry: () => void read() };
}

/** The session of the same user that began next (`1`) or before (`-1`); `null` if there is none. */
export async function nextOfUser(app: App, session: Session, direction: 1 | -1): Promise<Session | null> {
  const user = userFilter(session);
  if (!user) return null;
  const started = `started:${direction === 1 ? ">=" : "<="}${termOf("", session.started_at).slice(1)}`;
  const { items } = await app.api.sessions({
    project: session.project, filter: `${user} ${started}`, sort: direction === 1 ? "started" : "-started", limit: 2,
  });
  return items.find((found) => found.id !== session.id) ?? null;
}
