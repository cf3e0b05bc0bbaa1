// One exception of a chain with its frames: own code in sight, library frames folded behind their count.

import { createMemo, For, Show, type JSX } from "solid-js";
import type { Exception, Frame } from "../../../api/types";
import { termOf } from "../../../derive/events/filter_terms";
import { exceptionData, exceptionText, foldFrames, frameNameText, framePlaceText } from "../../../derive/frames";
import { countedText } from "../../../derive/number";
import { ValueActions } from "./filter_actions";
import { AttributeTree } from "./attribute_tree";

export function ExceptionView(props: { exception: Exception; is_cause: boolean }): JSX.Element {
  const groups = createMemo(() => foldFrames(props.exception.frames ?? []));
  return (
    <section class="exception" aria-label={props.is_cause ? "Cause" : "Exception"}>
      <h2>
        <Show when={props.is_cause}><span class="quiet">caused by </span></Show>
        <span class="exception-type">{props.exception.type ?? "Exception"}</span>
        <Show when={props.exception.code}>{(code) => <span class="quiet"> {code()}</span>}</Show>
        <ValueActions
          term={props.exception.type ? termOf("exception.type", props.exception.type) : null}
          what={`the ${props.exception.type ?? "exception"}`}
          copy={exceptionText(props.exception)}
        />
      </h2>
      <Show when={props.exception.message}>{(message) => <p class="message">{message()}</p>}</Show>
      <Show
        when={groups().length > 0}
        fallback={<Show when={props.exception.stack_text}>{(text) => <pre class="raw" tabindex="0">{text()}</pre>}</Show>}
      >
        <ol class="frames">
          <For each={groups()}>
            {(group) => <li>{group.own ? <FrameLine frame={group.frame} /> : <FoldedFrames frames={group.frames} />}</li>}
          </For>
        </ol>
      </Show>
      <Show when={exceptionData(props.exception)}>{(data) => <AttributeTree value={data()} path={null} />}</Show>
    </section>
  );
}

function FrameLine(props: { frame: Frame }): JSX.Element {
  return (
    <div class="frame">
      <span class="frame-name">{frameNameText(props.frame)}</span>
      <span class="frame-place">{framePlaceText(props.frame)}</span>
    </div>
  );
}

function FoldedFrames(props: { frames: Frame[] }): JSX.Element {
  return (
    <details class="folded">
      <summary>{countedText(props.frames.length, "library frame")}</summary>
      <For each={props.frames}>{(frame) => <FrameLine frame={frame} />}</For>
    </details>
  );
}
