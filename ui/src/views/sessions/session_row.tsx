// One row of the sessions table, and the row of names above it.

import { For, onCleanup, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { countText } from "../../derive/number";
import { applicationText, endText, whereText, whoText } from "../../derive/session_text";
import { absoluteText, durationText, parseTime, relativeText } from "../../derive/time";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { RowKymogram } from "../kymogram/row_kymogram";

const LIFE_CLASS = "column-life";

const COLUMNS: readonly [string, string][] = [
  ["User", ""],
  ["Application", "column-application"],
  ["Started", "column-started"],
  ["Length", "number column-length"],
  ["Life", LIFE_CLASS],
  ["Events", "number column-events"],
  ["Errors", "number column-errors"],
  ["Where", "column-where"],
];

/** Tells how wide the column of kymograms is: measured once here rather than in each row. */
export function SessionHead(props: { onLifeWidth: (width: number) => void }): JSX.Element {
  const observer = new ResizeObserver(([entry]) => props.onLifeWidth(Math.floor(entry?.contentRect.width ?? 0)));
  onCleanup(() => observer.disconnect());
  return (
    <For each={COLUMNS}>
      {([name, column_class], index) => (
        <div
          ref={(cell) => column_class === LIFE_CLASS && observer.observe(cell)}
          role="columnheader"
          aria-colindex={index() + 1}
          class={`cell ${column_class}`}
        >
          {name}
        </div>
      )}
    </For>
  );
}

export function SessionRow(props: { session: Session; life_width: number }): JSX.Element {
  const app = useApp();
  const session = () => props.session;
  const zone = () => app.settings.zone.value();
  const started_ms = () => parseTime(session().started_at);
  const url = () => sessionUrl({ id: session().id });
  return (
    <>
      <div role="gridcell" aria-colindex="1" class="cell cell-user">
        <a href={url()} tabindex="-1" title={session().user?.id ?? session().id}>{whoText(session())}</a>
        <Show when={session().users.length > 1}>
          <span class="more-users" title={`${session().users.length} users in this session`}>+{session().users.length - 1}</span>
        </Show>
      </div>
      <div role="gridcell" aria-colindex="2" class="cell column-application" title={applicationText(session())}>
        {session().application} <span class="quiet">{session().version}</span>
      </div>
      <div role="gridcell" aria-colindex="3" class="cell column-started" title={absoluteText(started_ms(), zone(), true)}>
        {relativeText(started_ms(), app.now_ms(), zone())}
      </div>
      <div role="gridcell" aria-colindex="4" class="cell number column-length">
        <SessionLength session={session()} />
      </div>
      <div role="gridcell" aria-colindex="5" class="cell column-life" title={endText(session())}>
        <RowKymogram session={session()} width={props.life_width} />
      </div>
      <div role="gridcell" aria-colindex="6" class="cell number column-events">{countText(session().event_count)}</div>
      <div role="gridcell" aria-colindex="7" class="cell number column-errors">
        <Show when={session().error_count > 0} fallback={<span class="quiet" aria-label="none">·</span>}>
          <span class="error-count">{countText(session().error_count)}</span>
        </Show>
      </div>
      <div role="gridcell" aria-colindex="8" class="cell column-where quiet" title={session().user_agent ?? whereText(session())}>
        {whereText(session())}
      </div>
    </>
  );
}

/** Counts up while the session runs. */
export function SessionLength(props: { session: Session }): JSX.Element {
  const app = useApp();
  const seconds = () =>
    props.session.state === "running"
      ? Math.max(props.session.duration_seconds, Math.floor((app.now_ms() - parseTime(props.session.started_at)) / 1000))
      : props.session.duration_seconds;
  return (
    <span class="session-length">
      <Show when={props.session.state !== "ended"}>
        <span class={`state-dot ${props.session.state}`} role="img" aria-label={props.session.state} />
      </Show>
      {durationText(seconds())}
    </span>
  );
}
