// The part of the session that is looked at, in words and within the whole life; and the ways to move it without a pointer.

import type { JSX } from "solid-js";
import type { Session } from "../../api/types";
import { shifted, zoomed } from "../../derive/events/brush";
import { placeX, type TimeSpan } from "../../derive/kymogram";
import { clockText, durationWords, offsetText } from "../../derive/time";
import { useApp } from "../../state/app";
import { RowKymogram, sessionSpan } from "../kymogram/row_kymogram";

export interface RangeBarProps {
  session: Session;
  range: TimeSpan;
  onRange: (range: TimeSpan | null) => void;
}

/** As in session.css; the end of the drawing has room of its own. */
const LIFE_WIDTH = 160;
const END_WIDTH = 12;

export function RangeBar(props: RangeBarProps): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const life = () => sessionSpan(props.session, props.session.state === "running" ? app.now_ms() : 0);
  const shift = (share: number) => props.onRange(shifted(props.range, share, life()));
  const from_x = () => placeX(props.range.from_ms, life(), LIFE_WIDTH - END_WIDTH);
  const to_x = () => placeX(props.range.to_ms, life(), LIFE_WIDTH - END_WIDTH);
  return (
    <div class="range-bar" role="group" aria-label="Part of the session">
      <span class="range-life">
        <RowKymogram session={props.session} width={LIFE_WIDTH} />
        <span class="range-window" style={{ left: `${from_x()}px`, width: `${Math.max(2, to_x() - from_x())}px` }} aria-hidden="true" />
      </span>
      <span class="range-text">
        {clockText(props.range.from_ms, zone())} – {clockText(props.range.to_ms, zone())}
        <span class="quiet"> {offsetText(props.range.from_ms - life().from_ms)}, {durationWords((props.range.to_ms - props.range.from_ms) / 1000)} long</span>
      </span>
      <span class="range-actions">
        <button type="button" class="button small" aria-label="Earlier" title="Earlier" disabled={props.range.from_ms <= life().from_ms} onClick={() => shift(-0.5)}>←</button>
        <button type="button" class="button small" aria-label="Later" title="Later" disabled={props.range.to_ms > life().to_ms} onClick={() => shift(0.5)}>→</button>
        <button
          type="button"
          class="button small"
          title="Twice as much (-)"
          onClick={() => props.onRange(zoomed(props.range, (props.range.from_ms + props.range.to_ms) / 2, 2, life()))}
        >
          Zoom out
        </button>
        <button type="button" class="button small" title="All of the session" onClick={() => props.onRange(null)}>Whole session</button>
      </span>
    </div>
  );
}
