// Of a session whose program is connected: how it is followed, how far behind that is, and what the program can be asked to do.

import { createMemo, Show, type JSX } from "solid-js";
import type { LiveSession, Session } from "../../../api/types";
import { clockOffsetText, lagText, rateText } from "../../../derive/live/live_texts";
import { countedText, countText } from "../../../derive/number";
import { mayWrite } from "../../../derive/people/roles";
import { useApp } from "../../../state/app";
import type { LiveFollow } from "../../../state/session/live_follow";
import { FollowButtons } from "./follow_buttons";
import { LiveCommands } from "./live_commands";

/** The bar is there, and with it what one does with what comes. */
export function hasLiveBar(session: Session | null, live: LiveFollow): boolean {
  return session !== null && (live.info() !== null || live.tail.is_joined());
}

export interface LiveBarProps {
  session: Session | null;
  live: LiveFollow;
  /** Events in the list. */
  count: number;
  is_following: boolean;
  paused: boolean;
  onFollow: () => void;
  onPause: (paused: boolean) => void;
}

export function LiveBar(props: LiveBarProps): JSX.Element {
  const app = useApp();
  const { live } = props;
  return (
    <Show when={hasLiveBar(props.session, live) && props.session}>
      {(session) => (
        <div class="live-bar" role="group" aria-label="Live">
          <FollowState {...props} />
          <span class="live-actions">
            <FollowButtons is_following={props.is_following} paused={props.paused} onFollow={props.onFollow} onPause={props.onPause} />
          </span>
          <Show when={live.info()}>{(info) => <Facts info={info()} />}</Show>
          <Show when={live.info() && mayWrite(app.me(), session().project)}>
            <LiveCommands id={session().id} />
          </Show>
        </div>
      )}
    </Show>
  );
}

/** Fewer are no line that lags. */
const LAG_MIN = 50;

/** In words; only what lasts is read aloud. */
function FollowState(props: LiveBarProps): JSX.Element {
  const { live } = props;
  const { tail } = live;
  /** What a second brings is on its way anyhow. */
  const lag = () => {
    const now = tail.lag();
    return now && now.agent_has - now.server_has > Math.max(LAG_MIN, live.info()?.events_per_second ?? 0) ? now : null;
  };
  const state = createMemo<{ name: string; text: string }>(() => {
    const closed = tail.closed();
    if (tail.is_held()) return { name: "held", text: `${countText(props.count)} events are here: more is taken when you are at the end` };
    // A channel stays open while its program is away: what it says when it comes back comes this way, and how it ended.
    if (tail.is_open() && live.info() !== null) return { name: "open", text: "Live" };
    if (closed?.reason) return { name: "over", text: `The session has ended: ${closed.reason.replaceAll("_", " ")}` };
    if (!live.is_wanted()) return { name: "off", text: tail.is_joined() ? "No longer followed" : "Runs now" };
    const { session } = props;
    if (session?.state === "ended") return { name: "over", text: `The session has ended${session.end_reason ? `: ${session.end_reason.replaceAll("_", " ")}` : ""}` };
    if (live.info() === null) return { name: "lost", text: "The program is not connected; it goes on as soon as it is" };
    if (closed) return { name: "lost", text: `Not followed: ${closed.why}. It is tried again` };
    return { name: "opening", text: "Connecting…" };
  });
  return (
    <>
      <span class={`live-state ${state().name}`} role="status">
        <span class="live-dot" aria-hidden="true" />
        {state().text}
      </span>
      <Show when={tail.is_open() && lag()}>{(lag) => <span class="live-lag">{lagText(lag())}</span>}</Show>
    </>
  );
}

function Facts(props: { info: LiveSession }): JSX.Element {
  return (
    <ul class="live-facts quiet">
      <li>{rateText(props.info.events_per_second)} events/s</li>
      <Show when={clockOffsetText(props.info.clock_ahead_ms)}>
        {(text) => <li title="Measured against the server's. The times of events are as the program gives them.">{text()}</li>}
      </Show>
      <Show when={props.info.dropped_count > 0}><li class="live-dropped">{countedText(props.info.dropped_count, "event")} not recorded</li></Show>
      <Show when={props.info.followers > 1}><li>{countText(props.info.followers)} look on</li></Show>
    </ul>
  );
}
