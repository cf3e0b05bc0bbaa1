// The figures above the list. Those that the list can be filtered by are buttons, users lead to the list of users.

import { Show, type JSX } from "solid-js";
import type { SessionsSummary } from "../../api/types";
import { countText, shareText } from "../../derive/number";
import { durationWords } from "../../derive/time";
import { usersUrl, type ListState } from "../../derive/url_state";
import type { Panel } from "../../state/list/panel";

export interface TilesProps {
  panel: Panel<SessionsSummary>;
  state: ListState;
  onChange: (part: Partial<ListState>) => void;
}

const UNKNOWN = "–";

export function Tiles(props: TilesProps): JSX.Element {
  const summary = () => props.panel.value();
  const figure = (text: (summary: SessionsSummary) => string) => {
    const known = summary();
    return known ? text(known) : UNKNOWN;
  };
  const is_plain = () => !props.state.running && !props.state.errors && !props.state.without_errors;
  const is_longest_first = () => props.state.sort === "-duration";
  const clean = (of: SessionsSummary) => of.sessions - of.with_errors;
  return (
    <div class="tiles" role="group" aria-label="Figures of the range">
      <TileButton
        label={summary()?.sessions === 1 ? "session" : "sessions"}
        figure={figure((known) => countText(known.sessions))}
        pressed={is_plain()}
        title="Show all sessions"
        onClick={() => props.onChange({ running: false, errors: false, without_errors: false })}
      />
      <a class="tile" href={usersUrl(props.state)} title="Show the users of these sessions">
        <span class="tile-figure">{figure((known) => countText(known.users))}</span>
        <span class="tile-label">{summary()?.users === 1 ? "user" : "users"}</span>
      </a>
      <TileButton
        label="running"
        figure={figure((known) => countText(known.running))}
        pressed={props.state.running}
        title="Only those that run now"
        onClick={() => props.onChange({ running: !props.state.running })}
      />
      <TileButton
        label="average length"
        figure={figure((known) => averageText(known))}
        pressed={is_longest_first()}
        title="The longest first"
        onClick={() => props.onChange({ sort: is_longest_first() ? "-started" : "-duration" })}
      />
      <TileButton
        label="with errors"
        figure={figure((known) => countText(known.with_errors))}
        pressed={props.state.errors}
        title="Only those with errors"
        onClick={() => props.onChange({ errors: !props.state.errors, without_errors: false })}
      />
      <TileButton
        label="without errors"
        figure={figure((known) => (known.sessions === 0 ? UNKNOWN : shareText(clean(known), known.sessions)))}
        pressed={props.state.without_errors}
        title={figure((known) => `Only those without errors: ${countText(clean(known))}`)}
        onClick={() => props.onChange({ without_errors: !props.state.without_errors, errors: false })}
      />
      <Show when={props.panel.failure()}>
        {(failure) => (
          <div class="panel-failure" role="alert">
            <span><strong>The figures could not be read.</strong> {failure()}</span>
            <button type="button" class="button small" onClick={() => props.panel.retry()}>Try again</button>
          </div>
        )}
      </Show>
    </div>
  );
}

function averageText(summary: SessionsSummary): string {
  return summary.sessions === 0 ? UNKNOWN : durationWords(summary.average_duration_seconds);
}

function TileButton(props: {
  label: string;
  figure: string;
  pressed: boolean;
  title: string;
  onClick: () => void;
}): JSX.Element {
  return (
    <button type="button" class="tile" aria-pressed={props.pressed} title={props.title} onClick={() => props.onClick()}>
      <span class="tile-figure">{props.figure}</span>
      <span class="tile-label">{props.label}</span>
    </button>
  );
}
