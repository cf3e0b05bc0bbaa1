// That a session is known and not here in full, and the wish for the rest of it.

import { createMemo, createSignal, Show, type JSX } from "solid-js";
import { ApiFailure, failureText } from "../../api/client";
import type { Session } from "../../api/types";
import { partialOf } from "../../derive/partial";
import { mayWrite } from "../../derive/people/roles";
import { useApp } from "../../state/app";

export function PartialNote(props: { session: Session; onRequested: () => void }): JSX.Element {
  const app = useApp();
  const partial = createMemo(() => partialOf(props.session));
  const [busy, setBusy] = createSignal(false);
  const [requested_id, setRequestedId] = createSignal<string | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);
  const is_requested = () => partial()?.is_requested || requested_id() === props.session.id;
  const request = async () => {
    const { id } = props.session;
    setBusy(true);
    setFailure(null);
    try {
      await app.api.requestSession(id);
      setRequestedId(id);
      props.onRequested();
    } catch (cause) {
      const is_older = cause instanceof ApiFailure && (cause.status === 404 || cause.status === 405);
      setFailure(is_older ? "This server cannot ask for sessions: it is older than this page, or the session is gone." : failureText(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Show when={partial()}>
      {(found) => (
        <div class="partial-note" role="group" aria-label="Not here in full">
          <p>
            {found().text}{" "}
            <span role="status">
              <Show when={is_requested()}>It was asked for: the program sends it when it next reports, or when it is started again.</Show>
            </span>
          </p>
          <Show when={failure()}>{(text) => <span class="form-error" role="alert">{text()}</span>}</Show>
          <Show when={!is_requested() && mayWrite(app.me(), props.session.project)}>
            <button type="button" class="button small" disabled={busy()} onClick={() => void request()}>Request this session</button>
          </Show>
        </div>
      )}
    </Show>
  );
}
