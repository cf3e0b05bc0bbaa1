// Files dropped anywhere on the list of sessions, or chosen by a button. What becomes of them is shown in a dialog.

import { createSignal, onCleanup, Show, type JSX } from "solid-js";
import { mayWrite } from "../../derive/people/roles";
import { useApp, type App } from "../../state/app";
import { ImportDialog } from "../late_views";

/** The dialog is asked for from the button, which may lie elsewhere than what is dropped. */
const OPEN = "kymo-import";

/** Projects that the person may bring files to. */
export function writable(app: App): { id: string; name: string }[] {
  return (app.projects() ?? []).filter(({ id }) => mayWrite(app.me(), id));
}

export function openImport(): void {
  dispatchEvent(new Event(OPEN));
}

/** On a phone the same stands in the menu of exports: there is no room for one button more. */
export function ImportButton(): JSX.Element {
  const app = useApp();
  return (
    <Show when={writable(app).length > 0}>
      <button type="button" class="button import-button" title="Bring session files or packages; or drop them on this page" onClick={openImport}>
        Import
      </button>
    </Show>
  );
}

/** `project`: that the list shows. */
export function ImportDrop(props: { project: string | null }): JSX.Element {
  const app = useApp();
  const [over, setOver] = createSignal(false);
  const [open, setOpen] = createSignal(false);
  const [dropped, setDropped] = createSignal<readonly File[]>([]);
  const projects = () => writable(app);
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  // Leaving one element for the next is told as well: only what goes on is over the page.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onOver = (event: DragEvent) => {
    if (!carriesFiles(event)) return;
    // Else the browser would open the file in place of the page.
    event.preventDefault();
    setOver(true);
    clearTimeout(timer);
    timer = setTimeout(() => setOver(false), OVER_MS);
  };
  const onDrop = (event: DragEvent) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    clearTimeout(timer);
    setOver(false);
    if (projects().length === 0) return app.notify("You may only read here: members and admins of a project may bring files");
    setDropped([...(event.dataTransfer?.files ?? [])]);
    setOpen(true);
  };
  const onOpen = () => setOpen(true);
  addEventListener("dragover", onOver);
  addEventListener("drop", onDrop);
  addEventListener(OPEN, onOpen);
  onCleanup(() => {
    clearTimeout(timer);
    removeEventListener("dragover", onOver);
    removeEventListener("drop", onDrop);
    removeEventListener(OPEN, onOpen);
  });
  return (
    <>
      <Show when={over()}>
        <div class="drop-here" aria-hidden="true"><p>{projects().length > 0 ? "Drop session files or packages here" : "You may only read here"}</p></div>
      </Show>
      <Show when={open()}>
        <ImportDialog
          dropped={dropped()} projects={projects()} project={props.project}
          onTaken={() => setDropped([])} onClose={() => setOpen(false)}
        />
      </Show>
    </>
  );
}

/** Browsers tell of what is held over a page at least every 350 ms. */
const OVER_MS = 500;
