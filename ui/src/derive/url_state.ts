// Everything that can be seen is in the URL: this turns the state of a place into a URL and back.
// Defaults are left out, so that the plain place has a plain address; what is not understood is ignored.

import { parseSession, sessionPath, type SessionAddress, type SessionPageState } from "./events/session_url";
import { parseRange, RANGE_DEFAULT, type Range } from "./list/range";
import { parseSort, SORT_DEFAULT, type Sort } from "./list/sort";

export { CHARTS_MAX, SESSION_STATE_DEFAULT, SESSION_TABS } from "./events/session_url";
export type { SessionAddress, SessionPageState, SessionTab } from "./events/session_url";

export { RANGES, rangeFrom, rangeTo, type Range } from "./list/range";

export interface ListState {
  project: string | null;
  range: Range;
  /** In the filter language. */
  filter: string;
  running: boolean;
  /** Only those with errors. */
  errors: boolean;
  /** Only those without; never both. */
  without_errors: boolean;
  sort: Sort;
}

/** The sessions that run now. */
export interface LiveState {
  project: string | null;
  filter: string;
}

/** The list of users. */
export interface UsersState {
  project: string | null;
  range: Range;
  filter: string;
}

/** One user, by the key that the list of users gives. */
export interface UserPageState {
  key: string;
  project: string | null;
  /** Newest sessions first, rather than those with most errors. */
  newest?: true;
}

/** A page of the settings; `id` is a project's, where the section is of one. */
export interface SettingsState {
  section: string;
  id: string | null;
}

export type Place =
  | { view: "sessions"; list: ListState }
  | { view: "session"; session: SessionPageState }
  | { view: "event"; event: { id: string } }
  | { view: "live"; live: LiveState }
  | { view: "users"; users: UsersState }
  | { view: "user"; user: UserPageState }
  | { view: "settings"; settings: SettingsState }
  | { view: "unknown" };

export const LIST_STATE_DEFAULT: ListState = {
  project: null, range: RANGE_DEFAULT, filter: "", running: false, errors: false, without_errors: false, sort: SORT_DEFAULT,
};

export function parsePlace(path: string, search: string): Place {
  const query = new URLSearchParams(search);
  if (path === "/" || path === "") return { view: "sessions", list: parseList(query) };
  const [place, id, section, ...rest] = path.split("/").slice(1).filter((part) => part !== "").map(decode);
  if (rest.length > 0) return { view: "unknown" };
  if (place === "settings") return { view: "settings", settings: parseSettings(id, section) };
  if (section !== undefined) return { view: "unknown" };
  if (place === "sessions" && id) return { view: "session", session: parseSession(id, query) };
  if (place === "events" && id) return { view: "event", event: { id } };
  if (place === "live" && id === undefined) {
    const { project, filter } = parseList(query);
    return { view: "live", live: { project, filter } };
  }
  if (place === "users") {
    const { project, range, filter } = parseList(query);
    return id ? { view: "user", user: { key: id, project, ...(query.get("order") === "newest" ? { newest: true } : {}) } } : { view: "users", users: { project, range, filter } };
  }
  return { view: "unknown" };
}

/** `/settings/SECTION`, or `/settings/projects/ID`. */
function parseSettings(section: string | undefined, id: string | undefined): SettingsState {
  return { section: section ?? "projects", id: id ?? null };
}

/** A broken percent sequence is kept as it is: the server will say that it knows no such session. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseList(query: URLSearchParams): ListState {
  return {
    project: query.get("project") || null,
    range: parseRange(query.get("range")) ?? RANGE_DEFAULT,
    filter: query.get("filter") ?? "",
    running: query.get("state") === "running",
    errors: query.get("errors") === "true",
    without_errors: query.get("errors") === "false",
    sort: parseSort(query.get("sort")) ?? SORT_DEFAULT,
  };
}

export function listUrl(list: ListState): string {
  const query = new URLSearchParams();
  if (list.project) query.set("project", list.project);
  if (list.range !== RANGE_DEFAULT) query.set("range", list.range);
  if (list.filter) query.set("filter", list.filter);
  if (list.running) query.set("state", "running");
  if (list.errors || list.without_errors) query.set("errors", String(list.errors));
  if (list.sort !== SORT_DEFAULT) query.set("sort", list.sort);
  return withQuery("/", query);
}

export function liveUrl(live: LiveState): string {
  const { search } = new URL(listUrl({ ...LIST_STATE_DEFAULT, ...live }), "http://page");
  return `/live${search}`;
}

export function usersUrl(users: UsersState): string {
  const { search } = new URL(listUrl({ ...LIST_STATE_DEFAULT, ...users }), "http://page");
  return `/users${search}`;
}

export function userUrl(user: UserPageState): string {
  const query = new URLSearchParams();
  if (user.project) query.set("project", user.project);
  if (user.newest) query.set("order", "newest");
  return withQuery(`/users/${encodeURIComponent(user.key)}`, query);
}

export function settingsUrl(settings: SettingsState): string {
  const { section, id } = settings;
  return id === null ? `/settings/${section}` : `/settings/${section}/${encodeURIComponent(id)}`;
}

/** What is not given is as by default. */
export function sessionUrl(session: SessionAddress): string {
  const { path, query } = sessionPath(session);
  return withQuery(path, query);
}

/** One event, wherever it belongs. */
export function eventUrl(id: string): string {
  return `/events/${encodeURIComponent(id)}`;
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
