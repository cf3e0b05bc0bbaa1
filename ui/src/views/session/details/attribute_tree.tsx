// Attributes as a tree: plain values on a line, objects and lists to open. Whatever it is, it is shown as text.

import { For, Show, type JSX } from "solid-js";
import type { JsonObject, JsonValue } from "../../../api/types";
import { attributeEntries, isBranch, leafText, valueText, type AttributeEntry } from "../../../derive/attributes";
import { attributeTerm } from "../../../derive/events/filter_terms";
import { countedText } from "../../../derive/number";
import { ValueActions } from "./filter_actions";

export interface AttributeTreeProps {
  value: JsonObject | JsonValue[];
  /** Keys that lead to it from the attributes of the event; `null`: it is no part of them, and no filter finds it. */
  path: readonly string[] | null;
}

export function AttributeTree(props: AttributeTreeProps): JSX.Element {
  const parent = () => props.path?.at(-1) ?? null;
  return (
    <ul class="tree">
      <For each={attributeEntries(props.value, parent())}>
        {(entry) => <Entry entry={entry} path={props.path} in_list={Array.isArray(props.value)} />}
      </For>
    </ul>
  );
}

interface EntryProps {
  entry: AttributeEntry;
  path: readonly string[] | null;
  /** Of a list: the language has no word for the third of something. */
  in_list: boolean;
}

/** Long and the same in every event. */
const CLOSED_AT_FIRST = ["@environment", "@request"];

function Entry(props: EntryProps): JSX.Element {
  const branch = () => (isBranch(props.entry.value) ? props.entry.value : null);
  const path = () => (props.path && !props.in_list ? [...props.path, props.entry.key] : null);
  return (
    <li>
      <Show when={branch()} fallback={<Leaf {...props} path={path()} parent={props.path?.at(-1) ?? null} />}>
        {(value) => (
          <details open={!CLOSED_AT_FIRST.includes(props.entry.key)}>
            <summary>
              <Key entry={props.entry} />
              <span class="quiet">{countedText(Object.keys(value()).length, "entry", "entries")}</span>
            </summary>
            <AttributeTree value={value()} path={path()} />
          </details>
        )}
      </Show>
    </li>
  );
}

function Leaf(props: EntryProps & { parent: string | null }): JSX.Element {
  const text = () => valueText(props.entry.key, props.parent, props.entry.value);
  const term = () => (props.path ? attributeTerm(props.path, props.entry.value) : null);
  return (
    <div class="leaf">
      <Key entry={props.entry} />
      <span class={`value ${typeof props.entry.value}`} title={String(props.entry.value) === text() ? undefined : String(props.entry.value)}>
        {text()}
      </span>
      <ValueActions term={term()} what={`${props.entry.label}: ${text().slice(0, 80)}`} copy={leafText(props.entry.value)} />
    </div>
  );
}

function Key(props: { entry: AttributeEntry }): JSX.Element {
  return <span class="key" title={props.entry.label === props.entry.key ? undefined : props.entry.key}>{props.entry.label}</span>;
}
