// The figures above the list. Those that the list can be filtered by are buttons.

import type { JSX } from "solid-js";
import type { SessionsSummary } from "../../api/types";
import { countText, shareText } from "../../derive/number";
import { durationWords } from "../../derive/time";
import type { ListState } from "../../derive/url_state";

export interface TilesProps {
  summary: SessionsSummary | null;
  state: ListState;
  onChange: (part: Partial<ListState>) => void;
}

const UNKNOWN = "–";

export function Tiles(props: TilesProps): JSX.Element {
  const figure = (text: (summary: SessionsSummary) => string) => (props.summary ? text(props.summary) : UNKNOWN);
  const is_plain = () => !props.state.running && !props.state.errors;
  return (
    <div class="tiles" role="group" aria-label="Figures of the range">
      <TileButton
        label={props.summary?.sessions === 1 ? "session" : "sessions"}
        figure={figure((summary) => countText(summary.sessions))}
        pressed={is_plain()}
        title="Show all sessions"
        onClick={() => props.onChange({ running: false, errors: false })}
      />
      <TileButton
        label="running"
        figure={figure((summary) => countText(summary.running))}
        pressed={props.state.running}
        title="Only those that run now"
        onClick={() => props.onChange({ running: !props.state.running })}
      />
      <TileButton
        label="with errors"
        figure={figure((summary) => shareText(summary.with_errors, summary.sessions))}
        pressed={props.state.errors}
        title={figure((summary) => `Only those with errors: ${countText(summary.with_errors)}`)}
        onClick={() => props.onChange({ errors: !props.state.errors })}
      />
      <div class="tile">
        <span class="tile-figure">{figure((summary) => countText(summary.users))}</span>
        <span class="tile-label">{props.summary?.users === 1 ? "user" : "users"}</span>
      </div>
      <div class="tile">
        <span class="tile-figure">{figure((summary) => averageText(summary))}</span>
        <span class="tile-label">average length</span>
      </div>
    </div>
  );
}

function averageText(summary: SessionsSummary): string {
  const seconds = summary.average_duration_seconds;
  return seconds === null || summary.sessions === 0 ? UNKNOWN : durationWords(seconds);
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
