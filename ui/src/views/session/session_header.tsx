// Who, what, where, when, how long and how it ended: one session in one line.

import { Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { applicationText, endText, whereText, whoText } from "../../derive/session_text";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { useApp } from "../../state/app";
import { SessionLength } from "../sessions/session_row";

export interface SessionHeaderProps {
  session: Session | null;
  waiting: boolean;
  onBack: () => void;
  onCopyLink: () => void;
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
      <button type="button" class="button small copy-link" title="Copy link (y)" onClick={() => props.onCopyLink()}>
        Copy link
      </button>
    </header>
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
        <li class={`end ${session().state} ${session().end_reason ?? ""}`}>{endText(session())}</li>
      </ul>
    </>
  );
}
