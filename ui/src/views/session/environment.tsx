// What is known about a session beside its events: where it ran, who was there, what was sent along with every event.

import { createMemo, For, Show, type JSX } from "solid-js";
import type { Session, SessionUser } from "../../api/types";
import { environmentOf, type Fact } from "../../derive/environment";
import { droppedText, endText, missingText, userText } from "../../derive/session_text";
import { absoluteText, durationText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";

type TimeText = (text: string | null) => string | null;

export function Environment(props: { session: Session }): JSX.Element {
  const app = useApp();
  const timeText: TimeText = (text) => (text ? absoluteText(parseTime(text), app.settings.zone.value(), true) : null);
  const environment = createMemo(() => environmentOf(props.session));
  return (
    <div class="environment" id="tab-panel" role="tabpanel" aria-label="Environment" tabindex="0" data-keys="own">
      <FactGroup title="Session" facts={sessionFacts(props.session, timeText)} />
      <For each={environment().groups}>{(group) => <FactGroup title={group.title} facts={group.facts} />}</For>
      <Show when={environment().own.length > 0}>
        <FactGroup title="Properties" facts={environment().own} />
      </Show>
      <Users users={props.session.users} timeText={timeText} />
    </div>
  );
}

function sessionFacts(session: Session, timeText: TimeText): Fact[] {
  const facts: [string, string | null][] = [
    ["Started", timeText(session.started_at)],
    [session.ended_at ? "Ended" : "Last activity", timeText(session.ended_at ?? session.last_activity_at)],
    ["Length", durationText(session.duration_seconds)],
    ["End", session.end_recovered ? `${endText(session)}, found out afterwards` : endText(session)],
    ["Silent since", timeText(session.silent_since)],
    ["Clock", skewText(session.clock_skew_seconds)],
    ["Project", session.project],
    ["Kind", session.kind],
    ["Session id", session.id],
    ["Agent's own id", session.external_id],
    ["Visit", session.visit_id],
    ["Came out of", session.process?.previous_id ?? null],
    ["Not stored", droppedText(session.dropped)],
    ["Not here", missingText(session)],
  ];
  return facts.flatMap(([name, value]) => (value ? [{ name, value, first: null }] : []));
}

function FactGroup(props: { title: string; facts: Fact[] }): JSX.Element {
  return (
    <section class="fact-group">
      <h2>{props.title}</h2>
      <dl class="fact-list">
        <For each={props.facts}>
          {(fact) => (
            <>
              <dt>{fact.name}</dt>
              <dd>
                <Show when={fact.first}>{(first) => <span class="quiet" title="At first">{first()} <span aria-label="then">→</span> </span>}</Show>
                {fact.value}
              </dd>
            </>
          )}
        </For>
      </dl>
    </section>
  );
}

function Users(props: { users: SessionUser[]; timeText: TimeText }): JSX.Element {
  return (
    <Show when={props.users.length > 0}>
      <section class="fact-group wide">
        <h2>{props.users.length === 1 ? "User" : "Users"}</h2>
        <div class="table-scroll" tabindex="0" role="group" aria-label="Users">
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
        </div>
      </section>
    </Show>
  );
}

/** Small differences are the network's; they are not worth a line. */
const SKEW_SECONDS_SHOWN = 2;

function skewText(seconds: number | null): string | null {
  if (seconds === null || Math.abs(seconds) < SKEW_SECONDS_SHOWN) return null;
  return `events arrived ${durationText(Math.abs(seconds))} ${seconds > 0 ? "after" : "before"} their own time: the agent's clock is off, or it was offline`;
}
