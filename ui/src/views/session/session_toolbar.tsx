// Tabs of the session and, for its events, the filter: a box for the filter language, and the severity;
// and what one does with the list: save it, follow it.

import { createMemo, For, Show, type JSX } from "solid-js";
import { eventsExportUrl } from "../../api/client";
import type { Session } from "../../api/types";
import { countedText, countText } from "../../derive/number";
import { parseSeverity, SEVERITY_LEVELS, severityName } from "../../derive/severity";
import { SESSION_TABS, type SessionPageState, type SessionTab } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { filterParams, type EventFilter } from "../../state/session/event_list";
import { FilterBox } from "../parts/filter_box";
import { FollowButtons } from "./live/follow_buttons";

export interface SessionToolbarProps {
  state: SessionPageState;
  filter: EventFilter;
  session: Session | null;
  error_count: number;
  /** Events that match; `null` while unknown. */
  total: number | null;
  paused: boolean;
  /** What one does with what comes stands there. */
  has_live_bar: boolean;
  onPause: (paused: boolean) => void;
  onFollow: () => void;
  onChange: (part: Partial<SessionPageState>, replace?: boolean) => void;
}

/** What only programs tell. */
const OF_PROGRAMS: readonly SessionTab[] = ["threads", "metrics"];

const LABELS: Record<SessionTab, string> = {
  events: "Events", errors: "Errors", threads: "Threads", metrics: "Metrics", environment: "Environment", related: "Related",
};

export function SessionToolbar(props: SessionToolbarProps): JSX.Element {
  return (
    <div class="toolbar session-toolbar">
      <Tabs {...props} />
      <Show when={props.state.tab === "events"}>
        <FilterBox
          label="Filter events"
          placeholder={'level:>=warn "exact words"'}
          value={props.state.filter}
          onChange={(filter) => props.onChange({ filter }, true)}
        />
        <SeverityChoice {...props} />
        <span class="total quiet" role="status">{props.total === null ? "" : countedText(props.total, props.state.errors ? "error" : "event")}</span>
        <div class="list-actions">
          <LiveButtons {...props} />
          <button
            type="button"
            class="button small"
            aria-pressed={!props.state.grouped}
            title="A row for each of the repeated lines (r)"
            onClick={() => props.onChange({ grouped: !props.state.grouped }, true)}
          >
            Each line
          </button>
          <TimeChoice />
          <Export filter={props.filter} total={props.total} />
        </div>
      </Show>
    </div>
  );
}

function Tabs(props: SessionToolbarProps): JSX.Element {
  const tabs = createMemo(() => SESSION_TABS.filter((tab) => !OF_PROGRAMS.includes(tab) || props.session?.process != null || props.state.tab === tab));
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const by = event.key === "ArrowRight" ? 1 : tabs().length - 1;
    const next = tabs()[(tabs().indexOf(props.state.tab) + by) % tabs().length] ?? "events";
    props.onChange({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views of the session" onKeyDown={onKey}>
      <For each={tabs()}>
        {(tab) => (
          <button
            type="button"
            role="tab"
            id={`tab-${tab}`}
            aria-selected={props.state.tab === tab}
            aria-controls="tab-panel"
            tabindex={props.state.tab === tab ? 0 : -1}
            onClick={() => props.onChange({ tab })}
          >
            {LABELS[tab]}
            <Show when={tab === "errors" && props.error_count > 0}>
              <span class="tab-count" aria-hidden="true">{countText(props.error_count)}</span>
            </Show>
          </button>
        )}
      </For>
    </div>
  );
}

/** All, this level and worse, or what the session counts as its errors. */
function SeverityChoice(props: SessionToolbarProps): JSX.Element {
  const choose = (value: string) => props.onChange({ severity: parseSeverity(value), errors: value === ERRORS });
  return (
    <select aria-label="Severity" onChange={(event) => choose(event.currentTarget.value)}>
      <option value="" selected={props.state.severity === null && !props.state.errors}>All severities</option>
      <For each={SEVERITY_LEVELS.slice(1)}>
        {(level) => (
          <option value={level} selected={!props.state.errors && props.state.severity === level}>
            {severityName(level)}{level === "fatal" ? "" : " and worse"}
          </option>
        )}
      </For>
      <option value={ERRORS} selected={props.state.errors}>Errors and exceptions</option>
    </select>
  );
}

/** No severity: events that the session counts as errors, whatever their level. */
const ERRORS = "errors";

/** Of a session that still goes on, unless they stand elsewhere. */
function LiveButtons(props: SessionToolbarProps): JSX.Element {
  return (
    <Show when={!props.has_live_bar && props.session !== null && (props.session.state !== "ended" || props.state.follow || props.paused)}>
      <FollowButtons is_following={props.state.follow} paused={props.paused} onFollow={props.onFollow} onPause={props.onPause} />
    </Show>
  );
}

function TimeChoice(): JSX.Element {
  const setting = useApp().settings.event_time;
  return (
    <div class="choice time-choice" role="group" aria-label="Time of events">
      <button type="button" aria-pressed={setting.value() === "offset"} onClick={() => setting.set("offset")}>From start</button>
      <button type="button" aria-pressed={setting.value() === "clock"} onClick={() => setting.set("clock")}>Clock</button>
    </div>
  );
}

/** All that matches, as the server writes it to a file. */
function Export(props: { filter: EventFilter; total: number | null }): JSX.Element {
  let menu!: HTMLDetailsElement;
  const url = (format: string) => eventsExportUrl(props.filter.id, { ...filterParams(props.filter), format });
  const close = () => (menu.open = false);
  const file = (format: string) => `events-${props.filter.id}.${format}`;
  return (
    <details
      ref={menu}
      class="menu"
      onFocusOut={(event) => !menu.contains(event.relatedTarget as Node | null) && close()}
      on:keydown={(event) => {
        if (event.key !== "Escape" || !menu.open) return;
        event.preventDefault();
        close();
        menu.querySelector("summary")?.focus();
      }}
    >
      <summary class="button small">Export</summary>
      <div class="menu-body">
        <p class="quiet">{props.total === null ? "What the filter leaves" : countedText(props.total, "event")}</p>
        <a href={url("ndjson")} download={file("ndjson")} rel="external" onClick={close}>NDJSON, a JSON object a line</a>
        <a href={url("csv")} download={file("csv")} rel="external" onClick={close}>CSV, for spreadsheets</a>
      </div>
    </details>
  );
}
