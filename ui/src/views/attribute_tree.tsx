// Attributes as a tree: plain values on a line, objects and lists to open. Whatever it is, it is shown as text.

import { For, Show, type JSX } from "solid-js";
import type { JsonObject, JsonValue } from "../api/types";
import { attributeEntries, isBranch, leafText, type AttributeEntry } from "../derive/attributes";
import { countedText } from "../derive/number";

/** Deeper levels are closed at first. */
const OPEN_DEPTH = 2;

export function AttributeTree(props: { value: JsonObject | JsonValue[]; depth?: number }): JSX.Element {
  return (
    <ul class="tree">
      <For each={attributeEntries(props.value)}>{(entry) => <Entry entry={entry} depth={props.depth ?? 0} />}</For>
    </ul>
  );
}

function Entry(props: { entry: AttributeEntry; depth: number }): JSX.Element {
  const branch = () => (isBranch(props.entry.value) ? props.entry.value : null);
  return (
    <li>
      <Show
        when={branch()}
        fallback={
          <div class="leaf">
            <span class="key">{props.entry.key}</span>
            <span class={`value ${typeof props.entry.value}`}>{leafText(props.entry.value)}</span>
          </div>
        }
      >
        {(value) => (
          <details open={props.depth < OPEN_DEPTH}>
            <summary>
              <span class="key">{props.entry.key}</span>
              <span class="quiet">{countedText(attributeEntries(value()).length, "entry", "entries")}</span>
            </summary>
            <AttributeTree value={value()} depth={props.depth + 1} />
          </details>
        )}
      </Show>
    </li>
  );
}
