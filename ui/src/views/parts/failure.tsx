// A failure says what happened and offers to try again; it stands beside what could be shown, never instead of the page.

import type { JSX } from "solid-js";

export function Failure(props: { what: string; detail: string; onRetry: () => void }): JSX.Element {
  return (
    <div class="failure" role="alert">
      <span class="failure-text">
        <strong>{props.what}</strong> {props.detail}
      </span>
      <button type="button" class="button small" onClick={() => props.onRetry()}>Try again</button>
    </div>
  );
}
