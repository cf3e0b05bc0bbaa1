// Attributes as a tree: plain values on a line, objects and lists to open. Whatever it is, it is shown as text.

import { For, Show, type JSX } from "solid-js";
import type { JsonObject, JsonValue } from "../../api/types";
import { attributeEntries, isBranch, valueText, type AttributeEntry } from "../../derive/attributes";
import { countedText } from "../../derive/number";

export interface AttributeTreeProps {
  value: JsonObject | JsonValue[];
  /** The key under which it was found. */
  parent?: string;
}

export function AttributeTree(props: AttributeTreeProps): JSX.Element {
  return (
    <ul class="tree">
      <For each={attributeEntries(props.value, props.parent ?? null)}>
        {(entry) => <Entry entry={entry} parent={props.parent ?? null} />}
      </For>
    </ul>
  );
}

/** Long and the same in every event. */
const CLOSED_AT_FIRST = ["@environment", "@request"];

function Entry(props: { entry: AttributeEntry; parent: string | null }): JSX.Element {
  const branch = () => (isBranch(props.entry.value) ? props.entry.value : null);
  return (
    <li>
      <Show when={branch()} fallback={<Leaf {...props} />}>
        {(value) => (
          <details open={!CLOSED_AT_FIRST.includes(props.entry.key)}>
            <summary>
              <Key entry={props.entry} />
              <span class="quiet">{countedText(Object.keys(value()).length, "entry", "entries")}</span>
            </summary>
            <AttributeTree value={value()} parent={props.entry.key} />
          </details>
        )}
      </Show>
    </li>
  );
}

function Leaf(props: { entry: AttributeEntry; parent: string | null }): JSX.Element {
  const text = () => valueText(props.entry.key, props.parent, props.entry.value);
  return (
    <div class="leaf">
      <Key entry={props.entry} />
      <span class={`value ${typeof props.entry.value}`} title={String(props.entry.value) === text() ? undefined : String(props.entry.value)}>
        {text()}
      </span>
    </div>
  );
}

function Key(props: { entry: AttributeEntry }): JSX.Element {
  const { key, label } = props.entry;
  return <span class="key" title={label === key ? undefined : key}>{label}</span>;
}
