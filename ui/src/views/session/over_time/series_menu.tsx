// Chooses among the series of a session, by name, label or unit.

import { createMemo, createSignal, createUniqueId, For, Show, type JSX } from "solid-js";
import type { MetricSeries, SeriesList } from "../../../api/types";
import { CHARTS_MAX } from "../../../derive/url_state";
import { labelsText } from "../../../derive/over_time/chart_choice";
import { valueText } from "../../../derive/over_time/series_chart";
import { countText } from "../../../derive/number";
import { Popover } from "../../parts/popover";

export interface SeriesMenuProps {
  list: SeriesList;
  chosen: readonly string[];
  onToggle: (id: string) => void;
}

/** Rows of the menu: who looks for more writes a word of it. */
const ROWS_MAX = 100;

export function SeriesMenu(props: SeriesMenuProps): JSX.Element {
  const [text, setText] = createSignal("");
  const note = createUniqueId();
  const found = createMemo(() => {
    const words = text().toLowerCase().split(/\s+/).filter(Boolean);
    return props.list.items.filter((series) => {
      const all = `${series.id} ${series.unit ?? ""} ${series.category ?? ""}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
  });
  const is_full = () => props.chosen.length >= CHARTS_MAX;
  return (
    <Popover label="Choose series" name="Series" class="series-menu" onOpen={() => setText("")}>
      {() => (
        <>
          <input class="input wide" type="search" autofocus aria-label="Find series" placeholder="name, label or unit" value={text()} onInput={(event) => setText(event.currentTarget.value)} />
          <ul class="series-list">
            <For each={found().slice(0, ROWS_MAX)}>
              {(series) => <Row series={series} is_chosen={props.chosen.includes(series.id)} is_full={is_full()} note={note} onToggle={props.onToggle} />}
            </For>
          </ul>
          <p class="quiet" id={note} role="status">
            <Show when={found().length === 0}>No series has that in its name.</Show>
            <Show when={found().length > ROWS_MAX}>{countText(found().length - ROWS_MAX)} more: write a word of their name. </Show>
            <Show when={is_full()}>At most {CHARTS_MAX} are shown at a time: take one away first.</Show>
          </p>
        </>
      )}
    </Popover>
  );
}

function Row(props: { series: MetricSeries; is_chosen: boolean; is_full: boolean; note: string; onToggle: (id: string) => void }): JSX.Element {
  const is_barred = () => props.is_full && !props.is_chosen;
  return (
    <li>
      <label class="series-row" classList={{ barred: is_barred() }}>
        <input type="checkbox" checked={props.is_chosen} disabled={is_barred()} aria-describedby={is_barred() ? props.note : undefined} onChange={() => props.onToggle(props.series.id)} />
        <span class="series-name">{props.series.name} <span class="quiet">{labelsText(props.series)}</span></span>
        <span class="quiet series-last">{valueText(props.series.last, props.series.unit)}</span>
      </label>
    </li>
  );
}
