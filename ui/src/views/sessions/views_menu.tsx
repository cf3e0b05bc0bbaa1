// Saved views: the state of the list under a name, one's own and those that others share.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { View } from "../../api/types";
import { listOf } from "../../derive/list/saved_view";
import { listUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createSavedViews, type SavedViews } from "../../state/list/saved_views";
import { Popover } from "../parts/popover";
import { Chevron } from "./range_menu";

/** As the server has it. */
const NAME_LENGTH_MAX = 100;

export function ViewsMenu(props: { state: ListState }): JSX.Element {
  const app = useApp();
  const saved = createSavedViews(app);
  return (
    <Popover name="Saved views" class="views-menu" label={<>Views<Chevron /></>} onOpen={() => void saved.read()}>
      {(close) => (
        <>
          <Show when={saved.failure()}>{(failure) => <p class="complaint" role="alert">{failure()}</p>}</Show>
          <Show when={saved.views()}>
            {(views) => (
              <Show when={views().length > 0} fallback={<p class="quiet">Nothing is saved yet: a view keeps filter, range and order under a name.</p>}>
                <ul class="views">
                  <For each={views()}>{(view) => <ViewLine view={view} state={props.state} saved={saved} onOpen={close} />}</For>
                </ul>
              </Show>
            )}
          </Show>
          <Show when={app.me()?.is_person}>
            <SaveForm state={props.state} saved={saved} />
          </Show>
        </>
      )}
    </Popover>
  );
}

function ViewLine(props: { view: View; state: ListState; saved: SavedViews; onOpen: () => void }): JSX.Element {
  const app = useApp();
  const [doing, setDoing] = createSignal<"rename" | "remove" | null>(null);
  const is_only_project = () => app.projects()?.length === 1;
  const url = () => {
    const list = listOf(props.view.view, is_only_project() ? null : props.view.project);
    return list ? listUrl(list) : "/";
  };
  const project = () => app.projects()?.find(({ id }) => id === props.view.project)?.name;
  const note = () => [
    props.saved.isOwn(props.view) ? null : `by ${props.view.owner}`,
    props.view.is_shared && props.saved.isOwn(props.view) ? "shared" : null,
    (app.projects()?.length ?? 0) > 1 ? project() : null,
  ].filter(Boolean).join(" · ");
  const rename = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget as HTMLFormElement).get("name");
    if (typeof name === "string" && name.trim() && (await props.saved.rename(props.view, name.trim()))) setDoing(null);
  };
  return (
    <li class="view-line">
      <Show when={doing() !== "rename"} fallback={
        <form class="line-form" onSubmit={(event) => void rename(event)}>
          <input ref={(field) => queueMicrotask(() => field.select())} name="name" aria-label={`New name of ${props.view.name}`} maxlength={NAME_LENGTH_MAX} value={props.view.name} required />
          <button type="submit" class="button small">Rename</button>
          <button type="button" class="button small" onClick={() => setDoing(null)}>Cancel</button>
        </form>
      }>
        <a class="choice-line" href={url()} aria-current={url() === listUrl(props.state) ? "true" : undefined} onClick={() => props.onOpen()}>
          <span class="view-name">{props.view.name}</span>
          <span class="quiet">{note()}</span>
        </a>
        <Show when={props.saved.isOwn(props.view)}>
          <Show when={doing() === "remove"} fallback={
            <>
              <button type="button" class="link-button" aria-label={`Rename ${props.view.name}`} onClick={() => setDoing("rename")}>Rename</button>
              <button type="button" class="link-button" aria-label={`Delete ${props.view.name}`} onClick={() => setDoing("remove")}>Delete</button>
            </>
          }>
            <button
              ref={(button) => queueMicrotask(() => button.focus())}
              type="button"
              class="button small danger"
              onClick={() => void props.saved.remove(props.view)}
            >
              Delete for good
            </button>
            <button type="button" class="button small" onClick={() => setDoing(null)}>Keep</button>
          </Show>
        </Show>
      </Show>
    </li>
  );
}

function SaveForm(props: { state: ListState; saved: SavedViews }): JSX.Element {
  const app = useApp();
  let form!: HTMLFormElement;
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const data = new FormData(form);
    const name = String(data.get("name") ?? "").trim();
    if (!name || !(await props.saved.save(name, data.get("shared") === "on", props.state))) return;
    form.reset();
    app.notify(`Saved as ${name}`);
  };
  const others = () => (props.saved.projectOf(props.state) === null ? "everybody" : "all who see the project");
  return (
    <form ref={form} class="save-view" onSubmit={(event) => void save(event)}>
      <div class="line-form">
        <input name="name" aria-label="Name of the view" placeholder="Save what is shown as…" maxlength={NAME_LENGTH_MAX} autocomplete="off" required />
        <button type="submit" class="button">Save</button>
      </div>
      <Show when={props.saved.mayShare(props.state)}>
        <label class="check"><input type="checkbox" name="shared" /> Share with {others()}</label>
      </Show>
    </form>
  );
}
