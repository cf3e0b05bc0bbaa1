// Whether a session is followed live: wanted by a person, possible while its program is connected.

import { createEffect, createSignal, type Accessor } from "solid-js";
import type { LiveSession, Session } from "../../api/types";
import type { App } from "../app";
import type { EventFilter } from "./event_list";
import { createLiveInfo } from "./live_info";
import { createLiveTail, type LiveTail } from "./live_tail";

export interface LiveFollow {
  tail: LiveTail;
  /** The session as it runs; `null`: its program is not connected. */
  info: Accessor<LiveSession | null>;
  /** It is to be followed, and is as soon as its program is connected. */
  is_wanted: Accessor<boolean>;
  /** No more is to come. What came stays. */
  stop(): void;
}

export interface LiveFollowSource {
  session: Accessor<Session | null>;
  filter: Accessor<EventFilter>;
  /** One wants to see its end. */
  follow: Accessor<boolean>;
  paused: Accessor<boolean>;
}

export function createLiveFollow(app: App, { session, filter, follow, paused }: LiveFollowSource): LiveFollow {
  const info = createLiveInfo(app, session);
  const [asked, setAsked] = createSignal(follow());
  // Who goes further up reads on, and what comes goes on coming.
  createEffect(() => follow() && setAsked(true));
  // Of one that only runs there is nothing else to be seen.
  createEffect(() => info() !== null && session()?.event_count === 0 && setAsked(true));
  const tail = createLiveTail(app, { connected_id: () => info()?.id ?? null, filter, wanted: asked, paused });
  return { tail, info, is_wanted: asked, stop: () => setAsked(false) };
}
