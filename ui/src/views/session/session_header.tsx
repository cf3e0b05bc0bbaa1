// Who, what, where, when, how long and how it ended: one session in one line, and what can be done with it as a whole.

import { createSignal, Show, type JSX } from "solid-js";
import { downloadUrl, failureText } from "../../api/client";
import type { Session } from "../../api/types";
import { mayWrite } from "../../derive/people/roles";
import { applicationText, endText, whereText, whoText } from "../../derive/session_text";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { useApp } from "../../state/app";
import { SessionLength } from "../sessions/session_row";

export interface SessionHeaderProps {
  session: Session | null;
  waiting: boolean;
  onBack: () => void;
  onCopyLink: () => void;
  /** To the session of the same user that began before (`-1`) or next. */
  onNeighbour: (direction: 1 | -1) => void;
  onPinned: () => void;
}

export function SessionHeader(props: SessionHeaderProps): JSX.Element {
  return (
    <header class="session-header">
      <button type="button" class="button small back" aria-label="Back to the sessions" title="Back (Esc)" onClick={() => props.onBack()}>
        ←
      </button>
      <Show when={props.session} fallback={<h1 class={props.waiting ? "skeleton-text" : ""}>{"\u00a0"}</h1>}>
        {(session) => <Facts session={session()} />}
      </Show>
      <div class="header-actions">
        <Show when={props.session?.user}>
          <span class="neighbours" role="group" aria-label="Sessions of this user">
            <button type="button" class="button small" aria-label="Earlier session of this user" title="Earlier session of this user ([)" onClick={() => props.onNeighbour(-1)}>‹</button>
            <button type="button" class="button small" aria-label="Later session of this user" title="Later session of this user (])" onClick={() => props.onNeighbour(1)}>›</button>
          </span>
        </Show>
        <Show when={props.session}>{(session) => <PinButton session={session()} onPinned={props.onPinned} />}</Show>
        <Show when={props.session?.process && props.session.id}>
          {(id) => <a class="button small" href={downloadUrl(id())} download="" rel="external" title="The session as one file: kymo open FILE shows it without a server">
            Download
          </a>}
        </Show>
        <button type="button" class="button small copy-link" title="Copy link (y)" onClick={() => props.onCopyLink()}>
          Copy link
        </button>
      </div>
    </header>
  );
}

function PinButton(props: { session: Session; onPinned: () => void }): JSX.Element {
  const app = useApp();
  const [busy, setBusy] = createSignal(false);
  const pin = async () => {
    const wanted = !props.session.pinned;
    setBusy(true);
    try {
      await app.api.pin(props.session.id, wanted);
      app.notify(wanted ? "Pinned: retention leaves this session alone" : "No longer pinned");
      props.onPinned();
    } catch (cause) {
      app.notify(failureText(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Show
      when={mayWrite(app.me(), props.session.project)}
      fallback={<Show when={props.session.pinned}><span class="pinned quiet" title="Retention leaves this session alone">Pinned</span></Show>}
    >
      <button
        type="button"
        class="button small"
        aria-pressed={props.session.pinned}
        disabled={busy()}
        title={props.session.pinned ? "Retention leaves this session alone; click to end that" : "Keep this session, whatever retention says"}
        onClick={() => void pin()}
      >
        {props.session.pinned ? "Pinned" : "Pin"}
      </button>
    </Show>
  );
}

function Facts(props: { session: Session }): JSX.Element {
  const app = useApp();
  const session = () => props.session;
  const zone = () => app.settings.zone.value();
  const started_ms = () => parseTime(session().started_at);
  return (
    <>
      <h1 title={session().user?.id ?? undefined}>{whoText(session())}</h1>
      <ul class="facts">
        <Show when={applicationText(session())}>{(text) => <li>{text()}</li>}</Show>
        <Show when={whereText(session())}>{(text) => <li title={session().user_agent ?? undefined}>{text()}</li>}</Show>
        <li title={relativeText(started_ms(), app.now_ms(), zone())}>{absoluteText(started_ms(), zone())}</li>
        <li><SessionLength session={session()} /></li>
        <li class={`end ${session().state} ${session().end_reason ?? ""}`} title={session().end_recovered ? "Found out afterwards, from what the program left" : undefined}>
          {endText(session())}
          <Show when={session().silent_since}>{(since) => `, last word ${relativeText(parseTime(since()), app.now_ms(), zone())}`}</Show>
        </li>
      </ul>
    </>
  );
}
