// What comes live behind the stored events of one session: followed, paused, held where it would be too much, and gone on with
// from the last sequence. The list of events says where it begins and when some of it is stored.

import { batch, createEffect, createMemo, createSignal, onCleanup, untrack, type Accessor } from "solid-js";
import type { SessionEvent } from "../../api/types";
import { behind, joined, lastSequence, NO_TAIL, settled, trimmed, withMissed, withTailEvents, type Tail } from "../../derive/events/tail";
import { liveFilter } from "../../derive/live/live_filter";
import type { App } from "../app";
import type { EventFilter } from "./event_list";

export interface LiveTailSource {
  /** Its own id; `null` while its program is not connected: what is followed then stays open until the server closes it. */
  connected_id: Accessor<string | null>;
  filter: Accessor<EventFilter>;
  /** It is to be followed. */
  wanted: Accessor<boolean>;
  /** Nothing new is to be shown. */
  paused: Accessor<boolean>;
}

export interface Lag {
  agent_has: number;
  server_has: number;
}

export interface LiveTail {
  /** The list of events ends where this begins; stays so when no more comes. */
  is_joined: Accessor<boolean>;
  tail: Accessor<Tail>;
  /** Events that came and are not shown: it is paused. */
  waiting_count: Accessor<number>;
  /** It comes now. */
  is_open: Accessor<boolean>;
  /** So much waits to be looked at that no more is taken; what is to come is still there afterwards. */
  is_held: Accessor<boolean>;
  lag: Accessor<Lag | null>;
  /** Why no more comes; with a reason the session has ended. */
  closed: Accessor<{ why: string; reason: string | null } | null>;
  /** The list begins anew: what has come is of another one. */
  restart(): void;
  /** The list is there and holds everything up to this sequence. */
  begin(stored_until: number | null): void;
  /** Everything up to this sequence is in the list now. */
  settle(stored_until: number): void;
  /** Whether the end of the list is in sight: only there old ones are let go. */
  setAtEnd(at_end: boolean): void;
}

/** Kept of what came live: with the 30,000 stored events that a page keeps some 65 MB; eight tabs stay below what one video takes. */
export const LIVE_EVENTS_MAX = 20_000;
/** So many more before some are let go: not a few at each turn. */
const SLACK = LIVE_EVENTS_MAX / 10;
/** While one reads further up or has paused nothing is let go, but no more taken than this. */
const HELD_EVENTS = 2 * LIVE_EVENTS_MAX;
/** Gathered for as long before it is drawn: ten times a second is seen as at once. */
const GATHER_MS = 100;
/** The server tells every second. */
const LAG_MS_MAX = 3_000;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 30_000;

export function createLiveTail(app: App, source: LiveTailSource): LiveTail {
  const [tail, setTail] = createSignal<Tail>(NO_TAIL);
  const [waiting, setWaiting] = createSignal<Tail>(NO_TAIL);
  const [begun, setBegun] = createSignal(false);
  const [is_held, setHeld] = createSignal(false);
  const [at_end, setAtEnd] = createSignal(true);
  const has_range = () => source.filter().from_ms !== null;
  const is_joined = createMemo<boolean>((was) => !has_range() && (was || (source.wanted() && source.connected_id() !== null)), false);
  /** Behind what it goes on. */
  let place: number | null = null;
  let incoming: Tail = NO_TAIL;
  let gather_timer: ReturnType<typeof setTimeout> | undefined;

  const gather = (next: Tail) => {
    incoming = next;
    gather_timer ??= setTimeout(show, GATHER_MS);
  };
  function show(): void {
    gather_timer = undefined;
    const arrived = incoming;
    incoming = NO_TAIL;
    batch(() => {
      if (source.paused()) setWaiting(joined(waiting(), behind(arrived, lastSequence(tail()))));
      else setTail(bounded(joined(tail(), arrived)));
      if (tail().count + waiting().count >= HELD_EVENTS) setHeld(true);
    });
  }
  const bounded = (next: Tail) => (at_end() && next.count > LIVE_EVENTS_MAX + SLACK ? trimmed(next, LIVE_EVENTS_MAX) : next);

  const channel = createChannel(app, {
    is_wanted: () => is_joined() && source.wanted() && begun() && !is_held(),
    connected_id: source.connected_id,
    filter: () => liveFilter(source.filter()),
    place: () => place,
    onEvents(items, last_sequence) {
      place = Math.max(place ?? 0, last_sequence);
      if (items.length > 0) gather(withTailEvents(incoming, items));
    },
    onMissed(missed) {
      place = Math.max(place ?? 0, missed.last);
      gather(withMissed(incoming, missed));
    },
  });

  createEffect(() => {
    if (source.paused()) return;
    batch(() => {
      if (waiting().entries.length > 0) {
        setTail(bounded(joined(tail(), waiting())));
        setWaiting(NO_TAIL);
      }
      if (!at_end()) return;
      if (tail().count > LIVE_EVENTS_MAX + SLACK) setTail(trimmed(tail(), LIVE_EVENTS_MAX));
      setHeld(false);
    });
  });
  const forget = () => {
    clearTimeout(gather_timer);
    gather_timer = undefined;
    incoming = NO_TAIL;
    batch(() => {
      setTail(NO_TAIL);
      setWaiting(NO_TAIL);
      setHeld(false);
      setBegun(false);
    });
  };
  onCleanup(() => clearTimeout(gather_timer));

  const settle = (stored_until: number) => {
    place = Math.max(place ?? 0, stored_until);
    incoming = settled(incoming, stored_until);
    batch(() => {
      setTail(settled(tail(), stored_until));
      setWaiting(settled(waiting(), stored_until));
    });
  };

  return {
    is_joined, tail, is_held, setAtEnd, settle,
    waiting_count: () => waiting().count,
    is_open: channel.is_open,
    lag: channel.lag,
    closed: channel.closed,
    restart: forget,
    begin(stored_until) {
      // What has come since is not asked for again.
      if (untrack(begun)) return stored_until === null ? undefined : settle(stored_until);
      place = stored_until;
      setBegun(true);
    },
  };
}

interface ChannelSource {
  is_wanted: Accessor<boolean>;
  /** What can be followed now; `null`: its program is not connected. */
  connected_id: Accessor<string | null>;
  filter: Accessor<string>;
  place: () => number | null;
  onEvents(items: SessionEvent[], last_sequence: number): void;
  onMissed(missed: { first: number; last: number; why: string }): void;
}

/** Open while there is something to follow; what the server closes is tried again, unless the session has ended. */
function createChannel(app: App, source: ChannelSource): Pick<LiveTail, "is_open" | "lag" | "closed"> {
  const [is_open, setOpen] = createSignal(false);
  const [lag, setLag] = createSignal<Lag | null>(null);
  const [closed, setClosed] = createSignal<{ why: string; reason: string | null } | null>(null);
  const [tries, setTries] = createSignal(0);
  /** From when it is asked for until the server closes it. */
  const [is_asked, setAsked] = createSignal(false);
  /** What a program said last, and how it ended, comes when it is no longer connected: that is needed to open a channel, not to keep it. */
  const id = createMemo<string | null>((was) => (source.is_wanted() ? (source.connected_id() ?? (is_asked() ? was : null)) : null), null);
  let retry_ms = RETRY_MS_FIRST;
  let lag_timer: ReturnType<typeof setTimeout> | undefined;

  createEffect(() => {
    const session = id();
    tries();
    if (session === null) return;
    let retry_timer: ReturnType<typeof setTimeout> | undefined;
    // With another filter the list begins anew, and so does this.
    const filter = untrack(source.filter);
    const close = app.channels.follow({ session, after: source.place(), filter }, {
      onOpened() {
        retry_ms = RETRY_MS_FIRST;
        setOpen(true);
        setClosed(null);
      },
      onEvents: source.onEvents,
      onMissed: source.onMissed,
      onLag(now) {
        clearTimeout(lag_timer);
        setLag(now.agent_has > now.server_has ? now : null);
        lag_timer = setTimeout(() => setLag(null), LAG_MS_MAX);
      },
      onClosed(told) {
        if (told.reason === null) {
          retry_timer = setTimeout(() => setTries((count) => count + 1), retry_ms);
          retry_ms = Math.min(retry_ms * 2, RETRY_MS_MAX);
        }
        batch(() => {
          setOpen(false);
          setAsked(false);
          setClosed(told);
        });
      },
    });
    setAsked(true);
    onCleanup(() => {
      close();
      clearTimeout(retry_timer);
      batch(() => {
        setOpen(false);
        setAsked(false);
      });
    });
  });
  onCleanup(() => clearTimeout(lag_timer));
  return { is_open, lag, closed };
}
