// Text with the words that were looked for marked.

import { For, type JSX } from "solid-js";
import { markParts } from "../../derive/mark";

export function MarkedText(props: { text: string; mark: string | RegExp | null }): JSX.Element {
  return <For each={markParts(props.text, props.mark)}>{(part) => (part.marked ? <mark>{part.text}</mark> : part.text)}</For>;
}
