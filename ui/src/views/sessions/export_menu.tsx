// What is listed as a file: all of it, in the same order, made by the server while the browser saves it.

import { For, Show, type JSX } from "solid-js";
import { exportUrl } from "../../api/client";
import { listParams } from "../../derive/list/params";
import { countedText } from "../../derive/number";
import type { ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { Popover } from "../parts/popover";
import { openImport, writable } from "./import_drop";
import { Chevron } from "./range_menu";

const FORMATS = [
  { format: "csv", label: "CSV", note: "for spreadsheets, one row each" },
  { format: "ndjson", label: "NDJSON", note: "all there is, one JSON line each" },
] as const;

/** `count`: of the sessions that match, if it is known. */
export function ExportMenu(props: { state: ListState; count: number | null }): JSX.Element {
  const app = useApp();
  return (
    <Popover name="Export" class="export-menu" label={<>Export<Chevron /></>}>
      {(close) => (
        <>
          <p class="quiet">{props.count === null ? "All sessions of this list" : `${countedText(props.count, "session")} of this list`}, as a file:</p>
          <ul class="choices">
            <For each={FORMATS}>
              {({ format, label, note }) => (
                <li>
                  <a class="choice-line" href={exportUrl(listParams(props.state, Date.now()), format)} download={`sessions.${format}`} onClick={close}>
                    {label} <span class="quiet">{note}</span>
                  </a>
                </li>
              )}
            </For>
          </ul>
          <Show when={writable(app).length > 0}>
            <button
              type="button"
              class="link-button import-line"
              onClick={() => {
                close();
                openImport();
              }}
            >
              Import session files
            </button>
          </Show>
        </>
      )}
    </Popover>
  );
}
