// The few sessions of today that are worth opening, each with its reason, in one quiet line.

import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import type { Worth } from "../../api/types";
import { whoText } from "../../derive/session_text";
import { absoluteText, parseTime } from "../../derive/time";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { Panel } from "../../state/list/panel";

/** Whether there was something the last time: then its place is kept free, so that the list does not jump. */
const SEEN_KEY = "kymo.worth_opening";

export function WorthOpening(props: { panel: Panel<Worth[]>; at_top: () => boolean }): JSX.Element {
  const has_some = createMemo(() => (props.panel.value()?.length ?? 0) > 0 || props.panel.failure() !== null);
  const [shown, setShown] = createSignal(props.panel.settled() ? has_some() : wasSeen());
  // The line comes and goes only while nobody reads further down.
  createEffect(on([props.panel.settled, has_some, props.at_top], ([settled, some, at_top]) => {
    if (!settled || some === shown() || !at_top) return;
    setShown(some);
    keepSeen(some);
  }));
  return (
    <Show when={shown()}>
      <section class="worth" aria-label="Worth opening today">
        <h2>Worth opening today</h2>
        <Show when={!props.panel.failure()} fallback={
          <p class="worth-failure" role="alert">
            It could not be read: {props.panel.failure()} <button type="button" class="link-button" onClick={() => props.panel.retry()}>Try again</button>
          </p>
        }>
          <ul>
            <For each={props.panel.value() ?? []}>{(worth) => <li><WorthLink worth={worth} /></li>}</For>
          </ul>
        </Show>
      </section>
    </Show>
  );
}

/** The reason is the server's sentence: rules that this page does not know speak for themselves. */
function WorthLink(props: { worth: Worth }): JSX.Element {
  const app = useApp();
  const session = () => props.worth.session;
  const zone = () => app.settings.zone.value();
  const started_ms = () => parseTime(session().started_at);
  const url = () => sessionUrl({ id: session().id });
  return (
    <a href={url()} title={`${whoText(session())}, ${absoluteText(started_ms(), zone())}: ${props.worth.reason}`}>
      <span class="worth-who">{whoText(session())}</span>
      <span class="worth-reason">{props.worth.reason}</span>
    </a>
  );
}

// Storage may be forbidden by the browser; then the list moves once.
function wasSeen(): boolean {
  try {
    return localStorage.getItem(SEEN_KEY) === "yes";
  } catch {
    return false;
  }
}

function keepSeen(seen: boolean): void {
  try {
    localStorage.setItem(SEEN_KEY, seen ? "yes" : "no");
  } catch {
    /* see above */
  }
}
