// Something that is shown this once.

import type { JSX } from "solid-js";
import { Snippet } from "../parts/snippet";

export function Secret(props: { title: string; text: string; label: string; onDone: () => void; children: JSX.Element }): JSX.Element {
  let section!: HTMLElement;
  queueMicrotask(() => section.focus());
  return (
    <section class="secret" ref={section} tabindex="-1" aria-label={props.title}>
      <h3>{props.title}</h3>
      <p class="quiet">{props.children}</p>
      <Snippet text={props.text} label={props.label} />
      <div class="form-actions"><button type="button" class="button" onClick={() => props.onDone()}>I have kept it</button></div>
    </section>
  );
}
