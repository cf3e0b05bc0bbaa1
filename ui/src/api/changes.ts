// The stream of changes: one per visible tab, a WebSocket, or server-sent events where something in between does not
// let those through. A hidden tab closes it and reads everything again when it is shown.

import type { Changed } from "./types";

export type StreamState = "connecting" | "open" | "reconnecting";

export interface ChangeStreamHooks {
  /** `null` means: anything may have changed, for example after a reconnect. */
  onChanged(changed: Changed | null): void;
  onState(state: StreamState): void;
  /** The server refused the stream; the caller finds out whether one is still signed in. */
  onRefused(): void;
}

/** One way of being told. `onEnd` is called once, unless it is closed by us. */
type Connect = (on: { open(): void; message(text: string): void; end(): void }) => () => void;

const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 15_000;
/** The first picture is drawn by then, or waits for a server to which one question more is nothing. */
const FIRST_LOOK_MS = 1_000;
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
  return () => {
    is_ours = true;
    socket.close();
  };
};

const byEvents: Connect = (on) => {
  const source = new EventSource("/api/v1/changes");
  source.onopen = () => on.open();
  source.addEventListener("changed", (message: MessageEvent<string>) => on.message(message.data));
  source.onerror = () => {
    // The browser would try again by itself, but not after an answer that is not 200.
    source.close();
    on.end();
  };
  return () => source.close();
};

/** Opens the stream and keeps it open; the returned function ends it. */
export function openChangeStream(hooks: ChangeStreamHooks): () => void {
  let disconnect: (() => void) | null = null;
  let retry_timer: ReturnType<typeof setTimeout> | undefined;
  let retry_ms = RETRY_MS_FIRST;
  let is_first_open = true;
  let first_look_timer: ReturnType<typeof setTimeout> | undefined;
  let way = bySocket;
  let failed_tries = 0;

  function connect(): void {
    close();
    if (failed_tries === TRIES) {
      way = way === bySocket ? byEvents : bySocket;
      failed_tries = 0;
    }
    let is_open = false;
    disconnect = way({
      open() {
        is_open = true;
        retry_ms = RETRY_MS_FIRST;
        hooks.onState("open");
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
        hooks.onState("reconnecting");
        hooks.onRefused();
        retry_timer = setTimeout(connect, retry_ms);
        retry_ms = Math.min(retry_ms * 2, RETRY_MS_MAX);
      },
    });
  }

  function tell(text: string): void {
    const changed = parseChanged(text);
    if (changed !== undefined) hooks.onChanged(changed);
  }

  function close(): void {
    clearTimeout(retry_timer);
    clearTimeout(first_look_timer);
    disconnect?.();
    disconnect = null;
  }

  function onVisibility(): void {
    if (document.hidden) close();
    else if (!disconnect) connect();
  }

  document.addEventListener("visibilitychange", onVisibility);
  onVisibility();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}

/** `undefined`: a message of a later server, to be passed over. */
function parseChanged(text: string): Changed | null | undefined {
  try {
    const message = JSON.parse(text) as Changed & { type?: string };
    return message.type === undefined || message.type === "changed" ? message : undefined;
  } catch {
    return null;
  }
}
