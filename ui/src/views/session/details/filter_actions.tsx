// Filtering by what one sees: the two small buttons beside a value, and how they reach the filter of the page.

import { createContext, Show, useContext, type JSX } from "solid-js";
import { useApp } from "../../../state/app";
import { copyText } from "../../../state/clipboard";

export interface FilterActions {
  /** With `is_out`, what the term describes is left out. */
  add(term: string, is_out: boolean): void;
}

/** `null` where there is nothing to filter, as beside a single event. */
export const FilterContext = createContext<FilterActions | null>(null);

/** `term`: `null` where the filter language has no word for the value. `what`: the value as one calls it. */
export function ValueActions(props: { term: string | null; what: string; copy?: string }): JSX.Element {
  const app = useApp();
  const actions = useContext(FilterContext);
  const copy = async (text: string) => app.notify((await copyText(text)) ? "Copied" : "The browser did not allow to copy");
  return (
    <span class="value-actions">
      <Show when={actions && props.term}>
        {(term) => (
          <>
            <button type="button" aria-label={`Filter for ${props.what}`} title="Filter for" onClick={() => actions?.add(term(), false)}>+</button>
            <button type="button" aria-label={`Filter out ${props.what}`} title="Filter out" onClick={() => actions?.add(term(), true)}>−</button>
          </>
        )}
      </Show>
      <Show when={props.copy}>
        {(text) => <button type="button" aria-label={`Copy ${props.what}`} title="Copy" onClick={() => void copy(text())}><CopySign /></button>}
      </Show>
    </span>
  );
}

/** Two sheets; no font has the sign everywhere. */
function CopySign(): JSX.Element {
  return (
    <svg class="copy-sign" viewBox="0 0 12 12" aria-hidden="true">
      <path d="M4 3.5v-2h6.5v6.5h-2M1.5 4h6.5v6.5h-6.5z" />
    </svg>
  );
}
