// One session that runs, and the row of names above.

import { For, Show, type JSX } from "solid-js";
import type { LiveSession } from "../../api/types";
import { rateText, whoRuns } from "../../derive/live/live_texts";
import { countText } from "../../derive/number";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { Activity } from "./activity";

const COLUMNS: readonly { name: string; of: string; title?: string }[] = [
  { name: "User", of: "" },
  { name: "Application", of: "column-application" },
  { name: "Host", of: "column-host" },
  { name: "Since", of: "column-since", title: "When it began" },
  { name: "Activity", of: "column-activity", title: "Events a second in the last half minute" },
  { name: "Events/s", of: "number column-rate" },
  { name: "Events", of: "number column-events" },
  { name: "Errors", of: "number column-errors" },
  { name: "Look on", of: "number column-followers", title: "People and programs that follow it now" },
];

export const LIVE_COLUMN_COUNT = COLUMNS.length;

export function LiveHead(): JSX.Element {
  return (
    <For each={COLUMNS}>
      {(column, index) => <div role="columnheader" aria-colindex={index() + 1} class={`cell ${column.of}`} title={column.title ?? ""}>{column.name}</div>}
    </For>
  );
}

const SOURCES: Record<string, string> = {
  agent: "Its program is connected: each event comes at once",
  http: "Known by what it sends: events come as they are sent",
};

export function LiveRow(props: { session: LiveSession; rates: readonly number[] }): JSX.Element {
  const app = useApp();
  const session = () => props.session;
  const zone = () => app.settings.zone.value();
  const since_ms = () => parseTime(session().started_at);
  const application = () => [session().application, session().version].filter(Boolean).join(" ");
  return (
    <>
      <div role="gridcell" aria-colindex="1" class="cell cell-user">
        <span class={`live-source ${session().source}`} role="img" aria-label={SOURCES[session().source] ?? session().source} title={SOURCES[session().source] ?? ""} />
        <a href={sessionUrl({ id: session().id, follow: true })} tabindex="-1" title={session().user?.id ?? session().id}>{whoRuns(session())}</a>
      </div>
      <div role="gridcell" aria-colindex="2" class="cell column-application" title={`${application()} in ${session().project_name}`}>
        {session().application} <span class="quiet">{session().version}</span>
      </div>
      <div role="gridcell" aria-colindex="3" class="cell column-host quiet" title={session().environment ? `${session().host ?? ""}, ${session().environment}` : ""}>{session().host}</div>
      <div role="gridcell" aria-colindex="4" class="cell column-since" title={absoluteText(since_ms(), zone(), true)}>{relativeText(since_ms(), app.now_ms(), zone())}</div>
      <div role="gridcell" aria-colindex="5" class="cell column-activity"><Activity rates={props.rates} /></div>
      <div role="gridcell" aria-colindex="6" class="cell number column-rate">{rateText(session().events_per_second)}</div>
      <div role="gridcell" aria-colindex="7" class="cell number column-events">{countText(session().event_count)}</div>
      <div role="gridcell" aria-colindex="8" class="cell number column-errors">
        <Show when={session().error_count > 0} fallback={<span class="quiet" aria-label="none">·</span>}>
          <span class="error-count">{countText(session().error_count)}</span>
        </Show>
      </div>
      <div role="gridcell" aria-colindex="9" class="cell number column-followers">
        <Show when={session().followers > 0} fallback={<span class="quiet" aria-label="nobody">·</span>}>{countText(session().followers)}</Show>
      </div>
    </>
  );
}
