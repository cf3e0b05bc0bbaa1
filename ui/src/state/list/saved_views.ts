// Views that people keep: read when first looked at, then kept in step with what is done to them here.

import { createSignal, type Accessor } from "solid-js";
import { failureText } from "../../api/client";
import type { View } from "../../api/types";
import { newViewId, viewOf } from "../../derive/list/saved_view";
import type { ListState } from "../../derive/url_state";
import type { App } from "../app";

export interface SavedViews {
  views: Accessor<View[] | null>;
  failure: Accessor<string | null>;
  read(): Promise<void>;
  /** Each says whether it was done; if not, `failure` says why. */
  save(name: string, is_shared: boolean, list: ListState): Promise<boolean>;
  rename(view: View, name: string): Promise<boolean>;
  remove(view: View): Promise<boolean>;
  isOwn(view: View): boolean;
  /** The project that a view of that state is of. */
  projectOf(list: ListState): string | null;
  /** Whether a view of that state may be shown to others; as the server has it. */
  mayShare(list: ListState): boolean;
}

export function createSavedViews(app: App): SavedViews {
  const [views, setViews] = createSignal<View[] | null>(null);
  const [failure, setFailure] = createSignal<string | null>(null);

  async function read(): Promise<void> {
    try {
      setViews(sorted((await app.api.views()).items));
      setFailure(null);
    } catch (cause) {
      setFailure(failureText(cause));
    }
  }

  async function attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      setFailure(null);
      return true;
    } catch (cause) {
      setFailure(failureText(cause));
      return false;
    }
  }

  /** Where there is one project only, the list is of that whether it is named or not. */
  const projectOf = (list: ListState) => {
    const projects = app.projects() ?? [];
    return list.project ?? (projects.length === 1 ? (projects[0]?.id ?? null) : null);
  };
  const keep = (view: View) => setViews(sorted([...(views() ?? []).filter(({ id }) => id !== view.id), view]));

  return {
    views,
    failure,
    read,
    projectOf,
    save: (name, is_shared, list) => {
      const id = newViewId((bytes) => crypto.getRandomValues(bytes));
      return attempt(async () => void keep(await app.api.putView(id, { name, is_shared, project: projectOf(list), view: viewOf(list) })));
    },
    rename: (view, name) => {
      const { id, project, is_shared } = view;
      return attempt(async () => void keep(await app.api.putView(id, { name, is_shared, project, view: view.view })));
    },
    remove: (view) =>
      attempt(async () => {
        await app.api.deleteView(view.id);
        setViews((views() ?? []).filter(({ id }) => id !== view.id));
      }),
    isOwn: (view) => app.me()?.is_person === true && view.owner === app.me()?.name,
    mayShare: (list) => {
      const me = app.me();
      if (!me?.is_person) return false;
      const project = projectOf(list);
      return me.is_server_admin || (project !== null && ["member", "admin"].includes(me.roles[project] ?? ""));
    },
  };
}

function sorted(views: View[]): View[] {
  return views.toSorted((left, right) => left.name.localeCompare(right.name) || left.id.localeCompare(right.id));
}
