// What is followed live over the one stream of a tab. A channel outlives connections: on the next one it goes on behind the last
// sequence that came, so that nothing is left out and nothing comes twice.

import type { SessionEvent } from "./types";

export interface FollowRequest {
  /** The session's own id. */
  session: string;
  /** The last sequence that is known; `null`: from the first record there is. */
  after: number | null;
  filter: string;
}

export interface FollowHooks {
  onOpened(): void;
  /** `last_sequence`: everything up to it has been looked at by the server. */
  onEvents(items: SessionEvent[], last_sequence: number): void;
  onMissed(missed: { first: number; last: number; why: string }): void;
  onLag(lag: { agent_has: number; server_has: number }): void;
  /** Nothing more comes on this channel. `reason`: how the session ended, if it did. */
  onClosed(closed: { why: string; reason: string | null }): void;
}

export interface Channels {
  /** Until what is returned is called. */
  follow(request: FollowRequest, hooks: FollowHooks): () => void;
  /** Calls when the list of sessions that run has changed, and after each reconnect; until what is returned is called. */
  watch(onLive: () => void): () => void;
}

/** What the owner of the connection does with it. */
export interface ChannelsOfStream extends Channels {
  connected(send: (message: object) => void): void;
  disconnected(): void;
  take(message: Record<string, unknown>): void;
}

interface Channel {
  request: FollowRequest;
  hooks: FollowHooks;
}

export function createChannels(): ChannelsOfStream {
  const channels = new Map<number, Channel>();
  const watchers = new Set<() => void>();
  let send: ((message: object) => void) | null = null;
  let last_number = 0;

  const open = (number: number, { request }: Channel) => send?.({ type: "follow", channel: number, ...request });
  const watchNow = () => send?.({ type: "watch", live: watchers.size > 0 });

  return {
    follow(request, hooks) {
      const number = (last_number += 1);
      const channel = { request: { ...request }, hooks };
      channels.set(number, channel);
      open(number, channel);
      return () => {
        // The server has closed it already, or does now.
        if (channels.delete(number)) send?.({ type: "close", channel: number });
      };
    },
    watch(onLive) {
      watchers.add(onLive);
      if (watchers.size === 1) watchNow();
      return () => {
        watchers.delete(onLive);
        if (watchers.size === 0) watchNow();
      };
    },
    connected(send_now) {
      send = send_now;
      for (const [number, channel] of channels) open(number, channel);
      if (watchers.size === 0) return;
      watchNow();
      watchers.forEach((onLive) => onLive());
    },
    disconnected: () => void (send = null),
    take(message) {
      if (message["type"] === "live") return watchers.forEach((onLive) => onLive());
      const number = Number(message["channel"]);
      const channel = channels.get(number);
      if (!channel) return;
      if (message["type"] === "closed") channels.delete(number);
      tell(channel, message);
    },
  };
}

/** Passes one message on; what a later server says beside is passed over. */
function tell({ request, hooks }: Channel, message: Record<string, unknown>): void {
  const number = (name: string) => Number(message[name] ?? 0);
  const text = (name: string) => (typeof message[name] === "string" ? message[name] : "");
  const advance = (last: number) => void (request.after = Math.max(request.after ?? 0, last));
  switch (message["type"]) {
    case "opened":
      return hooks.onOpened();
    case "events": {
      const known = request.after ?? 0;
      const items = (message["items"] as SessionEvent[] | undefined) ?? [];
      advance(number("last_sequence"));
      return hooks.onEvents(items.filter(({ sequence }) => sequence > known), number("last_sequence"));
    }
    case "missed":
      advance(number("last"));
      return hooks.onMissed({ first: number("first"), last: number("last"), why: text("why") });
    case "lag":
      return hooks.onLag({ agent_has: number("agent_has"), server_has: number("server_has") });
    case "closed":
      return hooks.onClosed({ why: text("why"), reason: text("reason") || null });
  }
}
