// Everything that can be seen is in the URL: this turns the state of a place into a URL and back.
// Defaults are left out, so that the plain place has a plain address; what is not understood is ignored.

import { parseSession, sessionPath, type SessionAddress, type SessionPageState } from "./events/session_url";

export { SESSION_STATE_DEFAULT, SESSION_TABS } from "./events/session_url";
export type { SessionAddress, SessionPageState, SessionTab } from "./events/session_url";

export type Range = "1h" | "24h" | "7d" | "30d" | "all";

export const RANGES: readonly { range: Range; label: string; seconds: number | null }[] = [
  { range: "1h", label: "Last hour", seconds: 3_600 },
  { range: "24h", label: "Last 24 hours", seconds: 86_400 },
  { range: "7d", label: "Last 7 days", seconds: 604_800 },
  { range: "30d", label: "Last 30 days", seconds: 2_592_000 },
  { range: "all", label: "All time", seconds: null },
];

const RANGE_DEFAULT: Range = "7d";

export interface ListState {
  project: string | null;
  range: Range;
  /** In the filter language. */
  filter: string;
  running: boolean;
  errors: boolean;
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
  | { view: "users"; users: UsersState }
  | { view: "user"; user: UserPageState }
  | { view: "settings"; settings: SettingsState }
  | { view: "unknown" };

export const LIST_STATE_DEFAULT: ListState = { project: null, range: RANGE_DEFAULT, filter: "", running: false, errors: false };

export function parsePlace(path: string, search: string): Place {
  const query = new URLSearchParams(search);
  if (path === "/" || path === "") return { view: "sessions", list: parseList(query) };
  const [place, id, section, ...rest] = path.split("/").slice(1).filter((part) => part !== "").map(decode);
  if (rest.length > 0) return { view: "unknown" };
  if (place === "settings") return { view: "settings", settings: parseSettings(id, section) };
  if (section !== undefined) return { view: "unknown" };
  if (place === "sessions" && id) return { view: "session", session: parseSession(id, query) };
  if (place === "events" && id) return { view: "event", event: { id } };
  if (place === "users") {
    const { project, range, filter } = parseList(query);
    return id ? { view: "user", user: { key: id, project } } : { view: "users", users: { project, range, filter } };
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
    range: RANGES.find(({ range }) => range === query.get("range"))?.range ?? RANGE_DEFAULT,
    filter: query.get("filter") ?? "",
    running: query.get("state") === "running",
    errors: query.get("errors") === "true",
  };
}

export function listUrl(list: ListState): string {
  const query = new URLSearchParams();
  if (list.project) query.set("project", list.project);
  if (list.range !== RANGE_DEFAULT) query.set("range", list.range);
  if (list.filter) query.set("filter", list.filter);
  if (list.running) query.set("state", "running");
  if (list.errors) query.set("errors", "true");
  return withQuery("/", query);
}

export function usersUrl(users: UsersState): string {
  const { search } = new URL(listUrl({ ...LIST_STATE_DEFAULT, ...users }), "http://page");
  return `/users${search}`;
}

export function userUrl(user: UserPageState): string {
  const query = new URLSearchParams();
  if (user.project) query.set("project", user.project);
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

/** Start of a range as the API wants it, on the full minute so that refreshes ask the same. `null`: open. */
export function rangeFrom(range: Range, now_ms: number): string | null {
  const seconds = RANGES.find((known) => known.range === range)?.seconds ?? null;
  if (seconds === null) return null;
  const minute_ms = 60_000;
  return new Date(Math.floor((now_ms - seconds * 1000) / minute_ms) * minute_ms).toISOString();
}
