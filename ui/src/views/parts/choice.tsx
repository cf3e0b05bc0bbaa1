// One of a few settings of this browser, side by side.

import { For, type JSX } from "solid-js";
import type { Setting } from "../../state/settings";

export function Choice<Value extends string>(props: {
  label: string;
  setting: Setting<Value>;
  options: { value: Value; label: string }[];
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      <For each={props.options}>
        {(option) => (
          <button
            type="button"
            aria-pressed={props.setting.value() === option.value}
            onClick={() => props.setting.set(option.value)}
          >
            {option.label}
          </button>
        )}
      </For>
    </div>
  );
}
