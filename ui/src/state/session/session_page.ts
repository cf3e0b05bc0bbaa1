// One session and its density: read, and read again quietly whenever the stream says that it changed.

import { batch, createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted, type Params } from "../../api/client";
import type { Density, Session } from "../../api/types";
import { bothFilters } from "../../derive/live/live_filter";
import type { App } from "../app";
import { createCoalesced } from "../refresh";
import { filterParams, type EventFilter } from "./event_list";

export interface SessionSource {
  session: Accessor<Session | null>;
  /** Of what the filter leaves in the range that is looked at; while a new one is read, the one before. */
  density: Accessor<Density | null>;
  /** Up to which sequence it counts; `null`: all that is stored. */
  density_until: Accessor<number | null>;
  density_failure: Accessor<string | null>;
  failure: Accessor<string | null>;
  missing: Accessor<boolean>;
  /** Whether there is such a session, once that is answered. */
  isKnown(): Promise<boolean>;
  retry(): void;
  retryDensity(): void;
}

const REFRESH_GAP_MS = 400;
const BUCKET_COUNT = 256;

/**
 * `filter`: with the range of the life that is looked at, if not all of it is. `onRefreshed` is called when the session has changed on
 * the server. `stored_until`: what is behind this sequence comes live, and is not counted here.
 */
export function createSessionSource(
  app: App,
  idNow: Accessor<string>,
  filter: Accessor<EventFilter>,
  onRefreshed: () => void,
  stored_until: Accessor<number | null>,
): SessionSource {
  // The address changes with each selection; only another session is a reason to begin anew.
  const id = createMemo(idNow);
  const [session, setSession] = createSignal<Session | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);
  const [missing, setMissing] = createSignal(false);
  const [density, setDensity] = createSignal<Density | null>(null);
  const [density_until, setDensityUntil] = createSignal<number | null>(null);
  const [density_failure, setDensityFailure] = createSignal<string | null>(null);
  /** One that only runs is known to the server from when it is asked for: what was asked beside that came too early. */
  let reading = Promise.resolve();
  const isKnown = async () => {
    await reading;
    return session() !== null;
  };
  let request = new AbortController();
  let density_request = new AbortController();

  async function read(): Promise<void> {
    const { signal } = request;
    try {
      const next = await app.api.session(id(), signal);
      if (signal.aborted) return;
      setSession(next);
      setFailure(null);
      setMissing(false);
    } catch (cause) {
      if (isAborted(cause)) return;
      setMissing(cause instanceof ApiFailure && cause.status === 404);
      setFailure(failureText(cause));
    }
  }

  async function readDensity(): Promise<void> {
    density_request.abort();
    density_request = new AbortController();
    const { signal } = density_request;
    const params: Params = { buckets: BUCKET_COUNT, ...filterParams(filter()) };
    const until = stored_until();
    const take = (next: Density | null) => batch(() => {
      setDensity(next);
      setDensityUntil(until);
      setDensityFailure(null);
    });
    if (until === 0) return take(null);
    if (until !== null) params["filter"] = bothFilters(filter().filter, `sequence:<=${until}`);
    try {
      const next = await app.api.density(id(), params, signal);
      if (!signal.aborted) take(next);
    } catch (cause) {
      if (isAborted(cause)) return;
      const is_early = cause instanceof ApiFailure && cause.status === 404 && session() === null;
      if (is_early && (await isKnown()) && !signal.aborted) return readDensity();
      // What is wrong with the filter is told by the list.
      setDensityFailure(cause instanceof ApiFailure && cause.status === 400 ? null : failureText(cause));
    }
  }

  const readNow = () => (reading = read());
  const readBoth = async () => void (await Promise.all([readNow(), readDensity()]));
  // Of one that is followed live the drawing is read when the place has moved that it is read up to.
  const refresh = createCoalesced(() => (stored_until() === null ? readBoth() : readNow()), REFRESH_GAP_MS);

  createEffect(
    on(id, () => {
      request.abort();
      request = new AbortController();
      setSession(null);
      setDensity(null);
      setMissing(false);
      void readBoth();
    }),
  );
  createEffect(on([filter, stored_until], () => void readDensity(), { defer: true }));
  onCleanup(() => {
    request.abort();
    density_request.abort();
  });
  app.onChanged((changed) => {
    // The address may hold the external id, the stream names the session's own.
    const own_id = session()?.id ?? id();
    if (session() && changed?.sessions && !changed.sessions.includes(own_id)) return;
    refresh();
    onRefreshed();
  });

  return { session, density, density_until, density_failure, failure, missing, isKnown, retry: () => void readBoth(), retryDensity: () => void readDensity() };
}
