// What the pages of the settings are made of: a panel with a heading, and what stands in for what is not there (yet).

import { createUniqueId, Show, type JSX } from "solid-js";
import type { Loaded } from "../../state/reading/loaded";
import { createDelayed } from "../../state/refresh";
import { Failure } from "../parts/failure";

export function Panel(props: { title: string; note?: JSX.Element; action?: JSX.Element; children: JSX.Element }): JSX.Element {
  const id = createUniqueId();
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{props.title}</h2>
        {props.action}
      </div>
      <Show when={props.note}><p class="quiet panel-note">{props.note}</p></Show>
      {props.children}
    </section>
  );
}

/** What was read, or why it was not. A refusal is said as such: trying again would not help. */
export function Read<Value>(props: { what: string; loaded: Loaded<Value>; children: (value: () => Value) => JSX.Element }): JSX.Element {
  const waiting = createDelayed(() => props.loaded.loading() && props.loaded.value() === null);
  return (
    <>
      <Show when={props.loaded.failure()}>
        {(failure) => (
          <Show
            when={failure().status === 403 || failure().status === 404}
            fallback={<Failure what={`${props.what} could not be read.`} detail={failure().text} onRetry={() => void props.loaded.reload()} />}
          >
            <p class="refusal" role="alert">{failure().status === 403 ? "You may not see this" : "There is no such thing, or not for you"}: {failure().text}</p>
          </Show>
        )}
      </Show>
      <Show when={waiting()}><div class="skeleton-text" aria-hidden="true">&nbsp;</div></Show>
      <Show when={props.loaded.value() as NonNullable<Value> | null}>{(value) => props.children(value)}</Show>
    </>
  );
}

export function Moment(props: { text: string; title?: string }): JSX.Element {
  return <span title={props.title ?? ""}>{props.text}</span>;
}
