// Text that is there to be copied.

import type { JSX } from "solid-js";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";

export function Snippet(props: { text: string; label: string }): JSX.Element {
  const app = useApp();
  const copy = async () => app.notify((await copyText(props.text)) ? "Copied" : "The browser did not allow to copy");
  return (
    <div class="snippet-frame">
      <pre class="snippet" tabindex="0" role="region" aria-label={props.label} data-keys="own">{props.text}</pre>
      <button type="button" class="button small" aria-label={`Copy: ${props.label}`} onClick={() => void copy()}>Copy</button>
    </div>
  );
}
