// What is known of a session that runs now and not of one that is stored: whether its program is connected, its clock, who looks on.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { isAborted } from "../../api/client";
import type { LiveSession, Session } from "../../api/types";
import { termOf } from "../../derive/events/filter_terms";
import type { App } from "../app";
import { createLiveNotices } from "../live/live_notices";

/** `null`: its program is not connected, or nobody can tell. */
export function createLiveInfo(app: App, session: Accessor<Session | null>): Accessor<LiveSession | null> {
  const [info, setInfo] = createSignal<LiveSession | null>(null);
  let request = new AbortController();
  /** Its project and the id that its agent gave it, while it may be connected. */
  const asked = createMemo(() => {
    const now = session();
    return now && now.kind === "process" && now.state !== "ended" ? `${now.project} ${now.external_id ?? now.id}` : null;
  });
  async function read(): Promise<void> {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    const [project, id] = asked()?.split(" ") ?? [];
    if (!project || !id) return void setInfo(null);
    try {
      const { items } = await app.api.liveSessions({ project, filter: termOf("id", id) }, signal);
      if (!signal.aborted) setInfo(items.find((item) => item.id === id && item.source === "agent") ?? null);
    } catch (cause) {
      // Who cannot say that it runs cannot be followed either; the page is read as it is.
      if (!isAborted(cause)) setInfo(null);
    }
  }
  const notices = createLiveNotices(app, read, () => asked() !== null);
  createEffect(on(asked, (now) => (now === null ? setInfo(null) : notices.readNow())));
  onCleanup(() => request.abort());
  return info;
}
