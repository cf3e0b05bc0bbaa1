// One row of the users table, and the row of names above it.

import { For, Show, type JSX } from "solid-js";
import type { UserReport } from "../../api/types";
import { countText } from "../../derive/number";
import { userDetail, userName } from "../../derive/people/users";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { userUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";

const COLUMNS: readonly { name: string; of: string; title?: string }[] = [
  { name: "User", of: "" },
  { name: "Id", of: "column-id" },
  { name: "Sessions", of: "number" },
  { name: "Errors", of: "number", title: "Errors of these sessions" },
  { name: "Last seen", of: "column-last" },
  { name: "First seen", of: "column-first", title: "First seen within the range" },
  { name: "Last application", of: "column-application" },
];

export const USER_COLUMN_COUNT = COLUMNS.length;

export function UserHead(): JSX.Element {
  return (
    <For each={COLUMNS}>
      {(column, index) => <div role="columnheader" aria-colindex={index() + 1} class={`cell ${column.of}`} title={column.title ?? ""}>{column.name}</div>}
    </For>
  );
}

export function UserRow(props: { user: UserReport; project: string | null }): JSX.Element {
  return (
    <>
      <div role="gridcell" aria-colindex="1" class="cell cell-user">
        <a href={userUrl({ key: props.user.key, project: props.project })} tabindex="-1" title={props.user.key}>{userName(props.user)}</a>
        <Show when={props.user.running_count > 0}><span class="state-dot running" role="img" aria-label="running now" title="running now" /></Show>
      </div>
      <div role="gridcell" aria-colindex="2" class="cell column-id quiet" title={props.user.key}>{userDetail(props.user)}</div>
      <div role="gridcell" aria-colindex="3" class="cell number">{countText(props.user.session_count)}</div>
      <div role="gridcell" aria-colindex="4" class="cell number" title={`${countText(props.user.sessions_with_errors)} of ${countText(props.user.session_count)} sessions have errors`}>
        <Show when={props.user.error_count > 0} fallback={<span class="quiet" aria-label="none">·</span>}>
          <span class="error-count">{countText(props.user.error_count)}</span>
        </Show>
      </div>
      <div role="gridcell" aria-colindex="5" class="cell column-last"><Seen at={props.user.last_seen_at} /></div>
      <div role="gridcell" aria-colindex="6" class="cell column-first"><Seen at={props.user.first_seen_at} /></div>
      <div role="gridcell" aria-colindex="7" class="cell column-application">{props.user.application} <span class="quiet">{props.user.version}</span></div>
    </>
  );
}

export function Seen(props: { at: string }): JSX.Element {
  const app = useApp();
  const at_ms = () => parseTime(props.at);
  const zone = () => app.settings.zone.value();
  return <span title={absoluteText(at_ms(), zone(), true)}>{relativeText(at_ms(), app.now_ms(), zone())}</span>;
}
