// What is known about a session beside its events: where it ran, who was there, what was sent along with every event.

import { For, Show, type JSX } from "solid-js";
import type { Session, SessionUser } from "../api/types";
import { leafText } from "../derive/attributes";
import { browserText } from "../derive/user_agent";
import { endText, userText } from "../derive/session_text";
import { absoluteText, durationText, parseTime } from "../derive/time";
import { useApp } from "../state/app";

export function Environment(props: { session: Session }): JSX.Element {
  const app = useApp();
  const session = () => props.session;
  const timeText = (text: string | null) => (text ? absoluteText(parseTime(text), app.settings.zone.value(), true) : null);
  const facts = (): [string, string | null][] => [
    ["Application", session().application],
    ["Version", session().version],
    ["Host", session().host],
    ["Operating system", session().os],
    ["Runtime", session().runtime],
    ["Browser", session().user_agent && browserText(session().user_agent ?? "")],
    ["User agent", session().user_agent],
    ["Page", session().page],
    ["Project", session().project],
    ["Kind", session().kind],
    ["Started", timeText(session().started_at)],
    ["Last activity", timeText(session().last_activity_at)],
    ["Ended", timeText(session().ended_at)],
    ["Length", durationText(session().duration_seconds)],
    ["End", endText(session())],
    ["Clock skew", skewText(session().clock_skew_seconds)],
    ["Session id", session().id],
    ["Agent's own id", session().external_id],
  ];
  return (
    <div class="environment" id="tab-panel" role="tabpanel" aria-label="Environment" tabindex="0" data-keys="own">
      <section>
        <h2>Session</h2>
        <dl class="fact-list">
          <For each={facts().filter(([, value]) => value)}>
            {([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>}
          </For>
        </dl>
      </section>
      <Users users={session().users} timeText={timeText} />
      <Properties session={session()} />
    </div>
  );
}

function Users(props: { users: SessionUser[]; timeText: (text: string) => string | null }): JSX.Element {
  return (
    <Show when={props.users.length > 0}>
      <section>
        <h2>{props.users.length === 1 ? "User" : "Users"}</h2>
        <table>
          <thead><tr><th scope="col">Name</th><th scope="col">Id</th><th scope="col">First seen</th><th scope="col">Last seen</th></tr></thead>
          <tbody>
            <For each={props.users}>
              {(user) => (
                <tr>
                  <td>{userText(user)}</td><td>{user.id}</td>
                  <td>{props.timeText(user.first_at)}</td><td>{props.timeText(user.last_at)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </Show>
  );
}

function Properties(props: { session: Session }): JSX.Element {
  const entries = () => Object.entries(props.session.properties ?? {});
  return (
    <Show when={entries().length > 0}>
      <section>
        <h2>Properties</h2>
        <table>
          <thead><tr><th scope="col">Name</th><th scope="col">First value</th><th scope="col">Last value</th></tr></thead>
          <tbody>
            <For each={entries()}>
              {([name, { first, last }]) => (
                <tr>
                  <td>{name}</td><td>{leafText(first)}</td>
                  <td class={leafText(first) === leafText(last) ? "quiet" : ""}>{leafText(first) === leafText(last) ? "unchanged" : leafText(last)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </section>
    </Show>
  );
}

/** Small differences are the network's; they are not worth a line. */
const SKEW_SECONDS_SHOWN = 2;

function skewText(seconds: number | null): string | null {
  if (seconds === null || Math.abs(seconds) < SKEW_SECONDS_SHOWN) return null;
  return `arrived ${durationText(Math.abs(seconds))} ${seconds > 0 ? "after" : "before"} the agent's own time: its clock is off, or it was offline`;
}
