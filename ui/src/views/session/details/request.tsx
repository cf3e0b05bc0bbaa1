// The request of an event: method and address in a line, then what came with it.

import { For, Show, type JSX } from "solid-js";
import type { RequestView as RequestParts } from "../../../derive/events/request";
import { ValueActions } from "./filter_actions";

export function RequestView(props: { request: RequestParts }): JSX.Element {
  return (
    <section class="request" aria-label="Request">
      <h2>Request</h2>
      <p class="request-line">
        <Show when={props.request.method}>{(method) => <strong>{method()} </strong>}</Show>
        <span class="mono">{props.request.url}</span>
        <Show when={props.request.status}>{(status) => <span class="quiet"> answered {status()}</span>}</Show>
        <ValueActions term={null} what="the address" copy={props.request.url} />
      </p>
      <For each={props.request.parts}>
        {(part) => (
          <Show when={part.title} fallback={<Facts facts={part.facts} />}>
            <details>
              <summary>{part.title} <span class="quiet">{part.facts.length}</span></summary>
              <Facts facts={part.facts} />
            </details>
          </Show>
        )}
      </For>
      <Show when={props.request.body}>
        {(body) => (
          <details>
            <summary>Sent</summary>
            <pre class="raw" tabindex="0">{body()}</pre>
          </details>
        )}
      </Show>
    </section>
  );
}

function Facts(props: { facts: { name: string; value: string }[] }): JSX.Element {
  return (
    <div class="tree">
      <For each={props.facts}>
        {(fact) => (
          <div class="leaf">
            <span class="key">{fact.name}</span>
            <span class="value">{fact.value}</span>
            <ValueActions term={null} what={fact.name} copy={fact.value} />
          </div>
        )}
      </For>
    </div>
  );
}
