// The stream of changes: one EventSource per visible tab. A hidden tab closes it (browsers allow six connections
// to one HTTP/1.1 server) and reads everything again when it is shown.

import type { Changed } from "./types";

export type StreamState = "connecting" | "open" | "reconnecting";

export interface ChangeStreamHooks {
  /** `null` means: anything may have changed, for example after a reconnect. */
  onChanged(changed: Changed | null): void;
  onState(state: StreamState): void;
  /** The server refused the stream; the caller finds out whether one is still signed in. */
  onRefused(): void;
}

const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 15_000;

/** Opens the stream and keeps it open; the returned function ends it. */
export function openChangeStream(hooks: ChangeStreamHooks): () => void {
  let source: EventSource | null = null;
  let retry_timer: ReturnType<typeof setTimeout> | undefined;
  let retry_ms = RETRY_MS_FIRST;
  let was_open = false;

  function connect(): void {
    close();
    source = new EventSource("/api/v1/changes");
    source.onopen = () => {
      retry_ms = RETRY_MS_FIRST;
      hooks.onState("open");
      // What was missed is not repeated by the server, so a second opening means: read again.
      if (was_open) hooks.onChanged(null);
      was_open = true;
    };
    source.onerror = () => onError();
    source.addEventListener("changed", (message: MessageEvent<string>) => {
      hooks.onChanged(parseChanged(message.data));
    });
  }

  // The browser retries a broken connection by itself, but gives up after an answer that is not 200.
  function onError(): void {
    hooks.onState("reconnecting");
    if (source?.readyState !== EventSource.CLOSED) return;
    hooks.onRefused();
    retry_timer = setTimeout(connect, retry_ms);
    retry_ms = Math.min(retry_ms * 2, RETRY_MS_MAX);
  }

  function close(): void {
    clearTimeout(retry_timer);
    source?.close();
    source = null;
  }

  function onVisibility(): void {
    if (document.hidden) close();
    else if (!source) connect();
  }

  document.addEventListener("visibilitychange", onVisibility);
  onVisibility();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}

function parseChanged(text: string): Changed | null {
  try {
    return JSON.parse(text) as Changed;
  } catch {
    return null;
  }
}
