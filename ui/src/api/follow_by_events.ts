// Following live where no WebSocket gets through: server-sent events, a connection for each session.

import { BASE, queryOf } from "./query";

/** What the server calls its events. */
const TYPES = ["opened", "events", "missed", "lag", "closed"];

interface Said {
  type?: string;
  channel?: number;
  session?: string;
  after?: number | null;
  filter?: string;
}

/** Takes the messages that a WebSocket would, and tells what comes as that would; `end`: a connection was lost that was there. */
export function followByEvents(on: { message(text: string): void; end(): void }): { send(message: object): void; close(): void } {
  const sources = new Map<number, EventSource>();
  const stop = (channel: number) => {
    sources.get(channel)?.close();
    sources.delete(channel);
  };
  const follow = (channel: number, { session = "", after = null, filter = "" }: Said) => {
    let is_opened = false;
    const source = new EventSource(`${BASE}/live/sessions/${encodeURIComponent(session)}/events${queryOf({ after, filter: filter || null })}`);
    sources.set(channel, source);
    for (const type of TYPES) {
      source.addEventListener(type, (message: MessageEvent<string>) => {
        if (type === "opened") is_opened = true;
        // Otherwise the browser would begin anew.
        if (type === "closed") stop(channel);
        on.message(withChannel(message.data, type, channel));
      });
    }
    source.onerror = () => {
      stop(channel);
      // It was refused, which says nothing of the others.
      if (is_opened) on.end();
      else on.message(JSON.stringify({ type: "closed", channel, why: "the server refused it", reason: null }));
    };
  };
  return {
    send(message) {
      const said = message as Said;
      if (said.channel === undefined) return;
      if (said.type === "follow") follow(said.channel, said);
      else if (said.type === "close") stop(said.channel);
    },
    close: () => [...sources.keys()].forEach(stop),
  };
}

function withChannel(data: string, type: string, channel: number): string {
  try {
    return JSON.stringify({ ...(JSON.parse(data) as object), type, channel });
  } catch {
    return data;
  }
}
