// The stream of changes: one per visible tab, a WebSocket, or server-sent events where something in between does not
// let those through: where one did once, no other way is taken. A hidden tab closes it and reads everything again when it is
// shown. What is followed live comes over it as well.

import { createChannels, type Channels } from "./channels";
import { followByEvents } from "./follow_by_events";
import type { Changed } from "./types";

export type StreamState = "connecting" | "open" | "reconnecting";

export interface ChangeStreamHooks {
  /** `null` means: anything may have changed, for example after a reconnect. */
  onChanged(changed: Changed | null): void;
  onState(state: StreamState): void;
  /** It is a WebSocket: by the other way nobody tells that the list of sessions that run has changed. */
  onWay(is_socket: boolean): void;
  /** The server refused the stream; the caller finds out whether one is still signed in. */
  onRefused(): void;
}

/** One way of being told. `end` is called once, unless it is closed by us. */
type Connect = (on: { open(): void; message(text: string): void; end(): void }) => Connection;

interface Connection {
  /** Says what is to be followed. */
  send(message: object): void;
  close(): void;
}

const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 15_000;
/** The first picture is drawn by then, or waits for a server to which one question more is nothing. */
const FIRST_LOOK_MS = 1_000;
/** Of a wait this part and up to all of it, so that not all pages come back at once to a server that was begun anew. */
const RETRY_PART_MIN = 0.5;
/** Tries of one way that never opened, after which the other is taken: a server that is away fails both. */
const TRIES = 2;

const bySocket: Connect = (on) => {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/stream`);
  let is_ours = false;
  socket.onopen = () => on.open();
  socket.onmessage = (message: MessageEvent<unknown>) => {
    if (typeof message.data === "string") on.message(message.data);
  };
  // An error is always followed by this.
  socket.onclose = () => {
    if (!is_ours) on.end();
  };
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close() {
      is_ours = true;
      socket.close();
    },
  };
};

const byEvents: Connect = (on) => {
  const source = new EventSource("/api/v1/changes");
  source.onopen = () => on.open();
  source.addEventListener("changed", (message: MessageEvent<string>) => on.message(message.data));
  let is_over = false;
  const end = () => {
    // The browser would try again by itself, but not after an answer that is not 200.
    close();
    on.end();
  };
  source.onerror = end;
  const followed = followByEvents({ message: (text) => on.message(text), end: () => void (is_over || end()) });
  const close = () => {
    is_over = true;
    source.close();
    followed.close();
  };
  return { send: followed.send, close };
};

export interface ChangeStream {
  channels: Channels;
  close(): void;
}

/** Opens the stream and keeps it open until it is closed. */
export function openChangeStream(hooks: ChangeStreamHooks): ChangeStream {
  const channels = createChannels();
  let connection: Connection | null = null;
  let retry_timer: ReturnType<typeof setTimeout> | undefined;
  let retry_ms = RETRY_MS_FIRST;
  let is_first_open = true;
  let first_look_timer: ReturnType<typeof setTimeout> | undefined;
  let way = bySocket;
  let failed_tries = 0;
  /** They get through here; when one does not, the server is away. */
  let has_socket_opened = false;

  function connect(): void {
    close();
    if (failed_tries >= TRIES && !has_socket_opened) {
      way = way === bySocket ? byEvents : bySocket;
      failed_tries = 0;
    }
    let is_open = false;
    const opened = way({
      open() {
        is_open = true;
        has_socket_opened ||= way === bySocket;
        retry_ms = RETRY_MS_FIRST;
        hooks.onWay(way === bySocket);
        hooks.onState("open");
        channels.connected(opened.send);
        // What was missed is not repeated by the server: neither since the stream was lost, nor between the first questions of the
        // page and now. So all that is shown is read again, the first time as soon as those may have been answered.
        if (is_first_open) first_look_timer = setTimeout(() => hooks.onChanged(null), FIRST_LOOK_MS);
        else hooks.onChanged(null);
        is_first_open = false;
        failed_tries = 0;
      },
      message: (text) => tell(text),
      end() {
        if (!is_open) failed_tries += 1;
        channels.disconnected();
        hooks.onState("reconnecting");
        hooks.onRefused();
        retry_timer = setTimeout(connect, retry_ms * (RETRY_PART_MIN + Math.random() * (1 - RETRY_PART_MIN)));
        retry_ms = Math.min(retry_ms * 2, RETRY_MS_MAX);
      },
    });
    connection = opened;
  }

  function tell(text: string): void {
    const message = parse(text);
    if (message === null) hooks.onChanged(null);
    else if (message.type === undefined || message.type === "changed") hooks.onChanged(message as unknown as Changed);
    else channels.take(message);
  }

  function close(): void {
    clearTimeout(retry_timer);
    clearTimeout(first_look_timer);
    connection?.close();
    connection = null;
    channels.disconnected();
  }

  function onVisibility(): void {
    if (document.hidden) close();
    else if (!connection) connect();
  }

  document.addEventListener("visibilitychange", onVisibility);
  onVisibility();
  return {
    channels,
    close() {
      document.removeEventListener("visibilitychange", onVisibility);
      close();
    },
  };
}

/** `null`: it is not understood. */
function parse(text: string): (Record<string, unknown> & { type?: string }) | null {
  try {
    return JSON.parse(text) as Record<string, unknown> & { type?: string };
  } catch {
    return null;
  }
}
