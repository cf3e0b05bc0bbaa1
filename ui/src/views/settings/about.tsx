// How the server is: whether it takes things in, what became of them, and how much room there is.

import { createEffect, createMemo, For, on, Show, type JSX } from "solid-js";
import type { Status } from "../../api/types";
import { bytesText, countedText, countText } from "../../derive/number";
import { REFUSALS, reasonText } from "../../derive/people/audit_text";
import { lastUsedText } from "../../derive/people/tokens";
import { absoluteText, durationWords, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import { createLoaded } from "../../state/reading/loaded";
import { Panel, Read } from "./panel";

/** How often it is read again while it is looked at. */
const READ_EVERY_MS = 5_000;

export function About(): JSX.Element {
  const app = useApp();
  const status = createLoaded(() => true, (_, signal) => app.api.status({}, signal));
  const turn = createMemo(() => Math.floor(app.now_ms() / READ_EVERY_MS));
  createEffect(on(turn, () => void status.reload(), { defer: true }));
  return (
    <>
      <Panel title="This server">
        <Read what="The state of the server" loaded={status}>
          {(value) => (
            <>
              <p class="readiness" classList={{ bad: value().not_ready !== null }}>
                <span class="state-dot" aria-hidden="true" />
                {value().not_ready === null ? "It takes in what clients send." : `It is not ready. ${value().not_ready}.`}
              </p>
              <Facts status={value()} />
            </>
          )}
        </Read>
      </Panel>
      <Panel title="What came in" note="Of the projects you see, since the data folder was made. Everything that was accepted was stored, or left out for a reason that is counted.">
        <Show when={status.value()}>{(value) => <Intake status={value()} />}</Show>
      </Panel>
    </>
  );
}

function Facts(props: { status: Status }): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const up_seconds = () => Math.max(0, (app.now_ms() - parseTime(props.status.started_at)) / 1000);
  const disk = () => props.status.disk;
  return (
    <dl class="fact-list">
      <dt>Last stored event</dt>
      <dd title={props.status.last_stored_at ? absoluteText(parseTime(props.status.last_stored_at), zone()) : ""}>{lastUsedText(props.status.last_stored_at, app.now_ms(), zone())}</dd>
      <dt>Queue</dt>
      <dd>{countText(props.status.queue.waiting)} of {countText(props.status.queue.waiting_max)} places taken</dd>
      <dt>Disk left</dt>
      <dd>
        {disk().free_bytes === null ? "the system does not tell" : bytesText(disk().free_bytes as number)}
        <span class="quiet"> (not ready below {bytesText(disk().free_bytes_min)})</span>
      </dd>
      <dt>Segments</dt>
      <dd>{countText(props.status.segments)}, and {countedText(props.status.tail.events, "event")} ({bytesText(props.status.tail.bytes)}) not in one yet</dd>
      <dt>Runs for</dt>
      <dd title={absoluteText(parseTime(props.status.started_at), zone())}>{durationWords(up_seconds())}</dd>
      <dt>Versions</dt>
      <dd>Kymo {props.status.server_version}, data {props.status.catalog_version}</dd>
    </dl>
  );
}

function Intake(props: { status: Status }): JSX.Element {
  const rows = (refused: boolean) =>
    Object.entries(props.status.dropped).filter(([reason, count]) => count > 0 && REFUSALS.includes(reason) === refused).sort(([, a], [, b]) => b - a);
  return (
    <dl class="fact-list figures">
      <dt>Accepted</dt>
      <dd>{countText(props.status.accepted)}</dd>
      <dt>Stored as events</dt>
      <dd>{countText(props.status.stored)}</dd>
      <For each={rows(false)}>
        {([reason, count]) => <><dt>Left out: {reasonText(reason)} <span class="mono quiet">{reason}</span></dt><dd>{countText(count)}</dd></>}
      </For>
      <For each={rows(true)}>
        {([reason, count]) => <><dt>Refused: {reasonText(reason)} <span class="mono quiet">{reason}</span></dt><dd>{countText(count)}</dd></>}
      </For>
      <Show when={props.status.removed.sessions > 0}>
        <dt>Removed by retention</dt>
        <dd>{countedText(props.status.removed.sessions, "session")}, {countedText(props.status.removed.events, "event")}</dd>
      </Show>
    </dl>
  );
}
