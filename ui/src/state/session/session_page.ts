// One session and its density: read, and read again quietly whenever the stream says that it changed.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted } from "../api/client";
import type { Density, Session } from "../api/types";
import type { App } from "./app";
import { createCoalesced } from "./refresh";

export interface SessionSource {
  session: Accessor<Session | null>;
  density: Accessor<Density | null>;
  failure: Accessor<string | null>;
  missing: Accessor<boolean>;
  retry(): void;
}

const REFRESH_GAP_MS = 400;
const BUCKET_COUNT = 256;

/** `onRefreshed` is called when the session has changed on the server. */
export function createSessionSource(app: App, idNow: Accessor<string>, onRefreshed: () => void): SessionSource {
  // The address changes with each selection; only another session is a reason to begin anew.
  const id = createMemo(idNow);
  const [session, setSession] = createSignal<Session | null>(null);
  const [density, setDensity] = createSignal<Density | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);
  const [missing, setMissing] = createSignal(false);
  let request = new AbortController();

  async function read(): Promise<void> {
    const { signal } = request;
    try {
      const [next_session, next_density] = await Promise.all([
        app.api.session(id(), signal),
        // A kymogram that cannot be read must not hide the events.
        app.api.density(id(), { buckets: BUCKET_COUNT }, signal).catch(() => density()),
      ]);
      if (signal.aborted) return;
      setSession(next_session);
      setDensity(next_density);
      setFailure(null);
      setMissing(false);
    } catch (cause) {
      if (isAborted(cause)) return;
      setMissing(cause instanceof ApiFailure && cause.status === 404);
      setFailure(failureText(cause));
    }
  }

  const refresh = createCoalesced(read, REFRESH_GAP_MS);

  createEffect(
    on(id, () => {
      request.abort();
      request = new AbortController();
      setSession(null);
      setDensity(null);
      setMissing(false);
      void read();
    }),
  );
  onCleanup(() => request.abort());
  app.onChanged((changed) => {
    // The address may hold the external id, the stream names the session's own.
    const own_id = session()?.id ?? id();
    if (session() && changed?.sessions && !changed.sessions.includes(own_id)) return;
    refresh();
    onRefreshed();
  });

  return { session, density, failure, missing, retry: () => void read() };
}
