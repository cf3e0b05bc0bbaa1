// An address that the page does not know.

import type { JSX } from "solid-js";

export function NotFound(): JSX.Element {
  return (
    <section class="message-panel">
      <h1>There is nothing at this address</h1>
      <p>The address may be mistyped or from another version.</p>
      <div class="actions"><a class="button" href="/">All sessions</a></div>
    </section>
  );
}
