// A single event by its own address: it is shown where it belongs, in its session, or by itself if it has none.

import { createEffect, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { ApiFailure, failureText, isAborted } from "../../api/client";
import type { SessionEvent } from "../../api/types";
import { eventText } from "../../derive/session_text";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createDelayed } from "../../state/refresh";
import { Failure } from "../parts/failure";
import { EventBody } from "../session/details/event_details";

export function EventView(props: { id: string; list_url: string }): JSX.Element {
  const app = useApp();
  const [event, setEvent] = createSignal<SessionEvent | null>(null);
  const [failure, setFailure] = createSignal<{ text: string; is_missing: boolean } | null>(null);
  const waiting = createDelayed(() => event() === null && failure() === null);
  const request = new AbortController();
  const read = async () => {
    setFailure(null);
    try {
      const found = await app.api.event(props.id, request.signal);
      // The step through this address is not worth a stop on the way back.
      if (found.session_id) return app.router.navigate(sessionUrl({ id: found.session_id, event: found.sequence }), { replace: true });
      setEvent(found);
    } catch (cause) {
      if (isAborted(cause)) return;
      const is_missing = cause instanceof ApiFailure && (cause.status === 404 || cause.status === 400);
      setFailure({ text: failureText(cause), is_missing });
    }
  };
  const copyLink = async () => app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({ y: () => void copyLink(), Escape: () => app.router.back(props.list_url) });
  createEffect(() => {
    const found = event();
    document.title = found ? `${eventText(found)} · Kymo` : "Event · Kymo";
  });
  onCleanup(() => request.abort());
  void read();
  return (
    <Show when={!failure()?.is_missing} fallback={<Missing detail={failure()?.text ?? ""} list_url={props.list_url} />}>
      <section class="single-event" aria-label="Event">
        <Show when={failure()}>
          {(failed) => <Failure what="The event could not be read." detail={failed().text} onRetry={() => void read()} />}
        </Show>
        <Show when={waiting()}><p class="quiet reading" aria-busy="true">Reading the event…</p></Show>
        <Show when={event()}>
          {(found) => (
            <>
              <h1>{eventText(found())}</h1>
              <p class="quiet">This event belongs to no session: it names neither a user nor a session.</p>
              <div class="details"><EventBody event={found()} session={null} /></div>
            </>
          )}
        </Show>
      </section>
    </Show>
  );
}

function Missing(props: { detail: string; list_url: string }): JSX.Element {
  return (
    <section class="message-panel">
      <h1>This event is not here</h1>
      <p class="quiet">It may have been removed with its session, or the address is not complete. The server said: {props.detail}</p>
      <div class="actions"><a class="button" href={props.list_url}>All sessions</a></div>
    </section>
  );
}
