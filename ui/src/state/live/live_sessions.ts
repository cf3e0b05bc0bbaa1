// The sessions that run now: read again whenever they change, with the rates of the last half minute for each.

import { createEffect, createMemo, createSignal, on, onCleanup, untrack, type Accessor } from "solid-js";
import { isAborted } from "../../api/client";
import type { LiveSession, LiveSwitch } from "../../api/types";
import { inOrder } from "../../derive/live/live_texts";
import type { LiveState } from "../../derive/url_state";
import type { App } from "../app";
import { readFailure, type ReadFailure } from "../reading/loaded";
import { createLiveNotices } from "./live_notices";

export interface LiveSessions {
  items: Accessor<LiveSession[]>;
  /** How many run, where more do than are listed. */
  total: Accessor<number>;
  /** A first answer has come, to whatever question. */
  ready: Accessor<boolean>;
  /** The items answer another question than the one asked now. */
  stale: Accessor<boolean>;
  failure: Accessor<ReadFailure | null>;
  /** `null`: not known (yet). */
  switched: Accessor<LiveSwitch | null>;
  /** Events a second, one for each of the last seconds, the newest last. */
  rates(id: string): readonly number[];
  retry(): void;
}

/** As many as the drawing in a row has columns. */
export const RATES_MAX = 30;

export function createLiveSessions(app: App, state: Accessor<LiveState>): LiveSessions {
  const [items, setItems] = createSignal<LiveSession[]>([]);
  const [connected, setConnected] = createSignal(0);
  const [answered_key, setAnsweredKey] = createSignal<string | null>(null);
  const [failure, setFailure] = createSignal<ReadFailure | null>(null);
  const [switched, setSwitched] = createSignal<LiveSwitch | null>(null);
  const key = createMemo(() => JSON.stringify(state()));
  let request = new AbortController();

  async function read(): Promise<void> {
    const asked_key = key();
    const { signal } = request;
    const { project, filter } = state();
    try {
      const answer = await app.api.liveSessions({ project, filter: filter || null }, signal);
      if (signal.aborted) return;
      setItems(inOrder(answer.items));
      setConnected(answer.connected);
      setAnsweredKey(asked_key);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(readFailure(cause));
    }
  }
  /** Beside the list: it is whole without that. */
  const readSwitch = () => app.api.liveSwitch().then(setSwitched, () => setSwitched(null));

  const notices = createLiveNotices(app, read, () => true, true);
  createEffect(on(key, () => {
    request.abort();
    request = new AbortController();
    void read();
    void readSwitch();
  }));
  // After a reconnect: somebody may have switched it on.
  app.onChanged((changed) => changed === null && void readSwitch());
  onCleanup(() => request.abort());
  return {
    items, failure, switched,
    total: () => Math.max(connected(), items().length),
    ready: () => answered_key() !== null,
    stale: () => answered_key() !== null && answered_key() !== key(),
    rates: createRates(app, items),
    retry: () => notices.readNow(),
  };
}

/** One more each second: a session of which nothing is told goes on as it was. */
function createRates(app: App, items: Accessor<LiveSession[]>): (id: string) => readonly number[] {
  // Of its own clock alone, so that answers that come oftener do not make it run faster.
  const is_there = createMemo(() => items().length > 0);
  const rates = createMemo<ReadonlyMap<string, readonly number[]>>((before) => {
    app.now_ms();
    is_there();
    return new Map(untrack(items).map(({ id, events_per_second }) => [id, [...(before.get(id) ?? []).slice(1 - RATES_MAX), events_per_second]]));
  }, new Map());
  return (id) => rates().get(id) ?? [];
}
