// Brings session files and packages: to which project, how far it is, what became of each.

import { createEffect, createMemo, createSignal, createUniqueId, For, on, onMount, Show, type JSX } from "solid-js";
import type { ImportedSession } from "../../api/import";
import { bytesText, countedText } from "../../derive/number";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { ImportItem } from "../../state/imports";
import "../../styles/import.css";

export interface ImportDialogProps {
  /** Files that wait to be brought. */
  dropped: readonly File[];
  /** Those that the person may bring files to: at least one. */
  projects: readonly { id: string; name: string }[];
  /** That is looked at. */
  project: string | null;
  onTaken: () => void;
  onClose: () => void;
}

/** Files that are drawn: more nobody looks through, and each costs time whenever one goes on. */
const ITEMS_MAX = 100;

/** Sessions of one package that are told by name. */
const LINKS_MAX = 20;

export function ImportDialog(props: ImportDialogProps): JSX.Element {
  const app = useApp();
  const { imports } = app;
  const id = createUniqueId();
  let dialog!: HTMLDialogElement;
  let input!: HTMLInputElement;
  const [chosen, setChosen] = createSignal<string | null>(null);
  const project = createMemo(() => {
    const wanted = chosen() ?? props.project;
    // Of several, which one is for a person to say.
    return props.projects.find((one) => one.id === wanted)?.id ?? (props.projects.length === 1 ? props.projects[0]?.id : undefined) ?? null;
  });
  const [held, setHeld] = createSignal<readonly File[]>([]);
  const bring = (files: readonly File[]) => {
    const into = project();
    if (files.length === 0) return;
    if (into === null) return void setHeld([...held(), ...files]);
    imports.add(files, into);
  };
  const by_number = createMemo(() => new Map(imports.items().map((item) => [item.number, item])));
  const shown = createMemo(() => shownNumbers(imports.items()));
  onMount(() => dialog.showModal());
  createEffect(on(() => props.dropped, (files) => {
    bring(files);
    if (files.length > 0) props.onTaken();
  }));
  createEffect(on(project, (into) => {
    if (into === null || held().length === 0) return;
    imports.add(held(), into);
    setHeld([]);
  }));
  return (
    <dialog ref={dialog} class="help import-dialog" aria-labelledby={`${id}-title`} onClick={(event) => event.target === dialog && dialog.close()} on:close={() => props.onClose()}>
      <div class="help-body">
        <h2 id={`${id}-title`}>Import sessions</h2>
        <p class="quiet">Session files and packages (<span class="mono">.kymo</span>) that a program left, <span class="mono">kymo pack</span> wrote, or a server gave out. What is there already stays as it is.</p>
        <Show when={props.projects.length > 1}>
          <label class="import-project">
            Project
            <select onChange={(event) => setChosen(event.currentTarget.value || null)}>
              <option value="" selected={project() === null}>Choose a project</option>
              <For each={props.projects}>{({ id, name }) => <option value={id} selected={project() === id}>{name}</option>}</For>
            </select>
          </label>
        </Show>
        <Show when={held().length > 0}>
          <p class="import-held" role="status">{countedText(held().length, "file")} {held().length === 1 ? "waits" : "wait"}: to which project?</p>
        </Show>
        <div class="import-place">
          <input
            ref={input} type="file" multiple class="off-screen" tabindex="-1" aria-label="Session files"
            onChange={() => {
              bring([...(input.files ?? [])]);
              input.value = "";
            }}
          />
          <button type="button" class="button primary" autofocus disabled={project() === null} onClick={() => input.click()}>Choose files</button>
          <span class="quiet">or drop them anywhere on this page</span>
        </div>
        <Show when={imports.items().length > 0}>
          <ul class="import-items" aria-label="Files">
            <For each={shown()}>
              {(number) => {
                const item = createMemo(() => by_number().get(number));
                return <Show when={item()}>{(found) => <Item item={found()} onRetry={() => imports.retry(number)} onOpen={() => dialog.close()} />}</Show>;
              }}
            </For>
            <Show when={imports.items().length > shown().length}>
              <li class="quiet">and {countedText(imports.items().length - shown().length, "more file", "more files")}</li>
            </Show>
          </ul>
        </Show>
        <div class="form-actions end">
          <Show when={imports.items().length > 0}>
            <button type="button" class="button" onClick={() => imports.clear()}>{imports.busy() ? "Stop" : "Clear the list"}</button>
          </Show>
          <button type="button" class="button" onClick={() => dialog.close()}>{imports.busy() ? "Go on in the background" : "Close"}</button>
        </div>
      </div>
    </dialog>
  );
}

/** In their order; what is being sent and what did not go comes before others where not all are drawn. */
function shownNumbers(items: readonly ImportItem[]): number[] {
  if (items.length <= ITEMS_MAX) return items.map(({ number }) => number);
  const is_urgent = ({ state }: ImportItem) => state === "sending" || state === "failed";
  let room = ITEMS_MAX - Math.min(ITEMS_MAX, items.filter(is_urgent).length);
  const chosen = items.filter((item) => is_urgent(item) || room-- > 0);
  return chosen.slice(0, ITEMS_MAX).map(({ number }) => number);
}

function Item(props: { item: ImportItem; onRetry: () => void; onOpen: () => void }): JSX.Element {
  const item = () => props.item;
  const share = () => Math.min(1, item().sent_bytes / Math.max(1, item().bytes));
  const is_sent = () => share() >= 1;
  return (
    <li class={`import-item ${item().state}`}>
      <div class="import-line">
        <strong class="import-name">{item().name}</strong>
        <span class="quiet">{bytesText(item().bytes)}</span>
        <span class="quiet import-state">{stateText(item(), is_sent())}</span>
      </div>
      <Show when={item().state === "sending"}>
        <Show when={!is_sent()} fallback={<progress aria-label={`${item().name}: read by the server`} />}>
          <progress max={1} value={share()} aria-label={`${item().name}: sent`} />
        </Show>
      </Show>
      <div role="status">
        <Show when={item().result}>
          {(result) => (
            <>
              <Results sessions={result().sessions} onOpen={props.onOpen} />
              <For each={result().notes}>{(note) => <p class="import-note">{note}</p>}</For>
            </>
          )}
        </Show>
      </div>
      <Show when={item().failure}>
        {(failure) => (
          <div class="import-failure" role="alert">
            <p class="form-error">{failure()}</p>
            <Show when={item().can_retry}><button type="button" class="button small" onClick={() => props.onRetry()}>Try again</button></Show>
          </div>
        )}
      </Show>
    </li>
  );
}

function Results(props: { sessions: readonly ImportedSession[]; onOpen: () => void }): JSX.Element {
  const left_out = () => props.sessions.length - LINKS_MAX;
  return (
    <ul class="import-results">
      <For each={props.sessions.slice(0, LINKS_MAX)}>
        {(session) => (
          <li>
            <a href={sessionUrl({ id: session.id })} onClick={() => props.onOpen()}>Open session <span class="mono">{session.id.slice(0, ID_CHARS)}</span></a>{" "}
            <span class="quiet">{STATES[session.state] ?? session.state}{session.bytes > 0 ? `, ${bytesText(session.bytes)}` : ""}</span>
          </li>
        )}
      </For>
      <Show when={left_out() > 0}><li class="quiet">and {countedText(left_out(), "more session", "more sessions")}, in the list</li></Show>
    </ul>
  );
}

/** They tell sessions of one list apart: the beginning is the time. */
const ID_CHARS = 13;

const STATES: Record<string, string> = { new: "new", gone_on_with: "gone on with", there_already: "was there already" };

function stateText({ state, result, sent_bytes, bytes }: ImportItem, is_sent: boolean): string {
  switch (state) {
    case "waiting": return "waits";
    case "sending": return is_sent ? "the server reads it…" : `${bytesText(sent_bytes)} of ${bytesText(bytes)}`;
    case "done": return countedText(result?.sessions.length ?? 0, "session");
    case "failed": return "not imported";
  }
}
