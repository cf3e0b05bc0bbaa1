// One row of the sessions table, and the row of names above it.

import { For, onCleanup, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { isDescending, nextSort, sortColumn, type Sort, type SortColumn } from "../../derive/list/sort";
import type { ValueGroup } from "../../derive/list/row_values";
import { countText } from "../../derive/number";
import { applicationText, endText, whereText, whoText } from "../../derive/session_text";
import { absoluteText, durationText, parseTime, relativeText } from "../../derive/time";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { RowKymogram } from "../kymogram/row_kymogram";

const LIFE_CLASS = "column-life";

const COLUMNS: readonly { name: string; class: string; sort?: SortColumn; title?: string }[] = [
  { name: "User", class: "" },
  { name: "Application", class: "column-application" },
  { name: "Started", class: "column-started", sort: "started" },
  { name: "Active", class: "column-active", sort: "last_activity", title: "Last activity" },
  { name: "Length", class: "number column-length", sort: "duration" },
  { name: "Life", class: LIFE_CLASS },
  { name: "Events", class: "number column-events", sort: "events" },
  { name: "Errors", class: "number column-errors", sort: "errors" },
  { name: "Where", class: "column-where" },
];

export const COLUMN_COUNT = COLUMNS.length;

export interface SessionHeadProps {
  /** Left out where the order is not chosen by the columns. */
  order?: { sort: Sort; onSort: (sort: Sort) => void };
  onLifeWidth: (width: number) => void;
}

/** Tells how wide the column of kymograms is: measured once here rather than in each row. */
export function SessionHead(props: SessionHeadProps): JSX.Element {
  const observer = new ResizeObserver(([entry]) => props.onLifeWidth(Math.floor(entry?.contentRect.width ?? 0)));
  onCleanup(() => observer.disconnect());
  const order = (column: SortColumn) => {
    if (!props.order || sortColumn(props.order.sort) !== column) return "none";
    return isDescending(props.order.sort) ? "descending" : "ascending";
  };
  const sort = (column: SortColumn) => props.order?.onSort(nextSort(props.order.sort, column));
  return (
    <For each={COLUMNS}>
      {(column, index) => (
        <div
          ref={(cell) => column.class === LIFE_CLASS && observer.observe(cell)}
          role="columnheader"
          aria-colindex={index() + 1}
          aria-sort={props.order && column.sort ? order(column.sort) : undefined}
          class={`cell ${column.class}`}
        >
          <Show when={props.order ? column.sort : undefined} fallback={column.name}>
            {(by) => (
              <button type="button" class="sort-head" title={`In order of ${(column.title ?? column.name).toLowerCase()}`} onClick={() => sort(by())}>
                {column.name}
                <span class={`sort-arrow ${order(by())}`} aria-hidden="true" />
              </button>
            )}
          </Show>
        </div>
      )}
    </For>
  );
}

/** A value that opens the menu to filter by it; the table hears the click. */
function Value(props: { group: ValueGroup; text: string; title: string; class?: string }): JSX.Element {
  return (
    <button type="button" class={`row-value ${props.class ?? ""}`} data-values={props.group} tabindex="-1" title={props.title}>{props.text}</button>
  );
}

function Pin(): JSX.Element {
  return (
    <svg class="pin" viewBox="0 0 12 12" role="img" aria-label="pinned">
      <title>Pinned: retention leaves it alone</title>
      <path d="M4 1h4l-.5 4L9.5 7h-7l2-2zM6 7v4" />
    </svg>
  );
}

function UserCell(props: { session: Session }): JSX.Element {
  const session = () => props.session;
  const url = () => sessionUrl({ id: session().id });
  return (
    <div role="gridcell" aria-colindex="1" class="cell cell-user">
      <Show when={session().pinned}><Pin /></Show>
      <a href={url()} tabindex="-1" title={session().user?.id ?? session().id}>{whoText(session())}</a>
      <Show when={session().users.length > 1}>
        <span class="more-users" title={`${session().users.length} users in this session`}>+{session().users.length - 1}</span>
      </Show>
      <Show when={session().user}>
        <button type="button" class="row-value of-user" data-values="user" tabindex="-1" aria-label="Filter by this user" title="Filter by this user">
          <svg viewBox="0 0 12 12" aria-hidden="true"><path d="M1.5 2h9L7 6.2V10L5 9V6.2z" /></svg>
        </button>
      </Show>
    </div>
  );
}

export function SessionRow(props: { session: Session; life_width: number }): JSX.Element {
  const app = useApp();
  const session = () => props.session;
  const zone = () => app.settings.zone.value();
  const started_ms = () => parseTime(session().started_at);
  const active_ms = () => parseTime(session().last_activity_at);
  return (
    <>
      <UserCell session={session()} />
      <div role="gridcell" aria-colindex="2" class="cell column-application" title={applicationText(session())}>
        <Value group="application" text={session().application} title={`Filter by ${session().application}`} />
        <Show when={session().version}>
          {(version) => <Value group="version" class="quiet" text={version()} title={`Filter by version ${version()}`} />}
        </Show>
      </div>
      <div role="gridcell" aria-colindex="3" class="cell column-started" title={absoluteText(started_ms(), zone(), true)}>
        {relativeText(started_ms(), app.now_ms(), zone())}
      </div>
      <div role="gridcell" aria-colindex="4" class="cell column-active quiet" title={absoluteText(active_ms(), zone(), true)}>
        {relativeText(active_ms(), app.now_ms(), zone())}
      </div>
      <div role="gridcell" aria-colindex="5" class="cell number column-length">
        <SessionLength session={session()} />
      </div>
      <div role="gridcell" aria-colindex="6" class="cell column-life" title={endText(session())}>
        <RowKymogram session={session()} width={props.life_width} />
      </div>
      <div role="gridcell" aria-colindex="7" class="cell number column-events">{countText(session().event_count)}</div>
      <div role="gridcell" aria-colindex="8" class="cell number column-errors">
        <Show when={session().error_count > 0} fallback={<span class="quiet" aria-label="none">·</span>}>
          <span class="error-count">{countText(session().error_count)}</span>
        </Show>
      </div>
      <div role="gridcell" aria-colindex="9" class="cell column-where quiet" title={session().user_agent ?? whereText(session())}>
        <Show when={whereText(session())}>{(where) => <Value group="where" text={where()} title={session().user_agent ?? where()} />}</Show>
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
