// Tabs of the session and, for its events, the filter: text, severity, and one button for the errors.

import { For, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { countedText } from "../../derive/number";
import { parseSeverity, SEVERITY_LEVELS, severityName } from "../../derive/severity";
import type { SessionPageState, SessionTab } from "../../derive/url_state";
import { FilterBox } from "../parts/filter_box";
import { useApp } from "../../state/app";

export interface SessionToolbarProps {
  state: SessionPageState;
  session: Session | null;
  /** Events that match; `null` while unknown. */
  total: number | null;
  onChange: (part: Partial<SessionPageState>, replace?: boolean) => void;
}

const TABS: readonly { tab: SessionTab; label: string }[] = [
  { tab: "events", label: "Events" },
  { tab: "environment", label: "Environment" },
];

export function SessionToolbar(props: SessionToolbarProps): JSX.Element {
  return (
    <div class="toolbar session-toolbar">
      <Tabs {...props} />
      <Show when={props.state.tab === "events"}>
        <FilterBox
          label="Filter events by text"
          placeholder="Filter by text"
          value={props.state.text}
          onChange={(text) => props.onChange({ text }, true)}
        />
        <select
          aria-label="Severity"
          onChange={(event) => props.onChange({ severity: parseSeverity(event.currentTarget.value) })}
        >
          <option value="" selected={props.state.severity === null}>All severities</option>
          <For each={SEVERITY_LEVELS.slice(1)}>
            {(level) => (
              <option value={level} selected={props.state.severity === level}>
                {severityName(level)}{level === "fatal" ? "" : " and worse"}
              </option>
            )}
          </For>
        </select>
        <ErrorsButton {...props} />
        <span class="total quiet" role="status">{props.total === null ? "" : countedText(props.total, props.state.errors ? "error" : "event")}</span>
        <TimeChoice />
      </Show>
    </div>
  );
}

function Tabs(props: SessionToolbarProps): JSX.Element {
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const next = props.state.tab === "events" ? "environment" : "events";
    props.onChange({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views of the session" onKeyDown={onKey}>
      <For each={TABS}>
        {({ tab, label }) => (
          <button
            type="button"
            role="tab"
            id={`tab-${tab}`}
            aria-selected={props.state.tab === tab}
            aria-controls="tab-panel"
            tabindex={props.state.tab === tab ? 0 : -1}
            onClick={() => props.onChange({ tab })}
          >
            {label}
          </button>
        )}
      </For>
    </div>
  );
}

function ErrorsButton(props: SessionToolbarProps): JSX.Element {
  const count = () => props.session?.error_count ?? 0;
  const pressed = () => props.state.errors;
  return (
    <Show when={count() > 0 || pressed()}>
      <button
        type="button"
        class="button small errors-button"
        aria-pressed={pressed()}
        title="Only errors; e and E step from one to the next"
        onClick={() => props.onChange({ errors: !pressed() })}
      >
        {countedText(count(), "error")}
      </button>
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
