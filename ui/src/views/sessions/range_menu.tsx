// The stretch of time that the list is about: some back from now, or any two moments.

import { createSignal, For, Show, type JSX } from "solid-js";
import { absoluteEnds, between, fieldText, fieldTime, rangeFrom, rangeLabel, RANGES, type Range } from "../../derive/list/range";
import { useApp } from "../../state/app";
import { Popover } from "../parts/popover";

export interface RangeMenuProps {
  range: Range;
  /** Where one comes back to from two moments. */
  back_to: Range;
  onChange: (range: Range) => void;
}

export function RangeMenu(props: RangeMenuProps): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const label = () => rangeLabel(props.range, zone());
  return (
    <div class="range">
      <Popover
        name="Range"
        class="range-menu"
        button_label={`Range: ${label()}`}
        label={<><span class="range-label">{label()}</span><Chevron /></>}
      >
        {(close) => {
          const choose = (range: Range) => {
            close();
            props.onChange(range);
          };
          return (
            <>
              <ul class="choices">
                <For each={RANGES}>
                  {({ range, label }) => (
                    <li>
                      <button type="button" class="choice-line" aria-pressed={props.range === range} onClick={() => choose(range)}>{label}</button>
                    </li>
                  )}
                </For>
              </ul>
              <Moments range={props.range} onChoose={choose} />
            </>
          );
        }}
      </Popover>
      <Show when={absoluteEnds(props.range)}>
        <button type="button" class="button reset-range" title={`Back to: ${rangeLabel(props.back_to, zone())}`} onClick={() => props.onChange(props.back_to)}>
          Reset range
        </button>
      </Show>
    </div>
  );
}

export function Chevron(): JSX.Element {
  return (
    <svg class="chevron" viewBox="0 0 10 10" aria-hidden="true">
      <path d="M2 3.5 5 6.5 8 3.5" />
    </svg>
  );
}

function Moments(props: { range: Range; onChoose: (range: Range) => void }): JSX.Element {
  const app = useApp();
  const zone = app.settings.zone.value();
  const ends = absoluteEnds(props.range);
  const from = ends ? ends.from_ms : Date.parse(rangeFrom(props.range, Date.now()) ?? "");
  const [complaint, setComplaint] = createSignal("");
  let from_field!: HTMLInputElement;
  let to_field!: HTMLInputElement;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const from_ms = fieldTime(from_field.value, zone);
    const to_ms = fieldTime(to_field.value, zone);
    const range = between({ from_ms, to_ms });
    if (range) return props.onChoose(range);
    setComplaint(from_ms === null && to_ms === null ? "Say when it begins or ends." : "The end has to be after the beginning.");
  };
  const initial = (time_ms: number | null) => (time_ms === null || Number.isNaN(time_ms) ? "" : fieldText(time_ms, zone));
  return (
    <form class="moments" onSubmit={submit}>
      <label>
        From
        <input ref={from_field} type="datetime-local" step="any" value={initial(from)} />
      </label>
      <label>
        To
        <input ref={to_field} type="datetime-local" step="any" value={initial(ends?.to_ms ?? null)} />
      </label>
      <p class="quiet">{zone === "utc" ? "In UTC." : "In local time."} Without an end: until now.</p>
      <Show when={complaint()}>
        <p class="complaint" role="alert">{complaint()}</p>
      </Show>
      <button type="submit" class="button">Show this range</button>
    </form>
  );
}
