// The requests the page makes, one function each. Every failure becomes an ApiFailure that can be shown as it is.

import { createAdminApi, type AdminApi, type Method } from "./admin";
import { BASE, queryOf, type Params } from "./query";
import type {
  Density, EventPage, FilterFault, FilterField, FilterValue, LiveCommand, LiveList, LiveSwitch, Me, NewView, Page, Project, SeriesList, SeriesPoints, Session, SessionCounts, SessionEvent, SessionsSummary,
  Threads, View, Worth,
} from "./types";

export type { Params };

/** `status` is 0 when the server was not reached. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** The filter of the request is wrong. */
    readonly fault: FilterFault | null = null,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

export interface Api extends AdminApi {
  me(signal?: AbortSignal): Promise<Me>;
  logout(): Promise<void>;
  projects(signal?: AbortSignal): Promise<{ items: Project[] }>;
  sessions(params: Params, signal?: AbortSignal): Promise<Page<Session>>;
  /** The answer to that question if it was asked early and is here. */
  sessionsRead(params: Params): Page<Session> | null;
  summary(params: Params, signal?: AbortSignal): Promise<SessionsSummary>;
  counts(params: Params, signal?: AbortSignal): Promise<SessionCounts>;
  worthOpening(params: Params, signal?: AbortSignal): Promise<{ items: Worth[] }>;
  filterFields(signal?: AbortSignal): Promise<{ items: FilterField[] }>;
  filterValues(params: Params, signal?: AbortSignal): Promise<{ items: FilterValue[] }>;
  views(signal?: AbortSignal): Promise<{ items: View[] }>;
  putView(id: string, view: NewView): Promise<View>;
  deleteView(id: string): Promise<void>;
  session(id: string, signal?: AbortSignal): Promise<Session>;
  events(id: string, params: Params, signal?: AbortSignal): Promise<EventPage>;
  density(id: string, params: Params, signal?: AbortSignal): Promise<Density>;
  event(id: string, signal?: AbortSignal): Promise<SessionEvent>;
  pin(id: string, is_pinned: boolean): Promise<void>;
  threads(id: string, params: Params, signal?: AbortSignal): Promise<Threads>;
  metrics(id: string, signal?: AbortSignal): Promise<SeriesList>;
  metricPoints(id: string, params: Params, signal?: AbortSignal): Promise<SeriesPoints>;
  /** A session of a program is to be sent in full. */
  requestSession(id: string): Promise<void>;
  liveSwitch(signal?: AbortSignal): Promise<LiveSwitch>;
  liveSessions(params: Params, signal?: AbortSignal): Promise<LiveList>;
  commandLive(id: string, command: LiveCommand): Promise<void>;
}

/** What was asked before there was an Api: see early.ts. */
export interface Asked {
  /** Its answer, once. */
  take(url: string): Promise<Response> | null;
  /** The same as data, once, if it has been read. */
  takeRead(url: string): unknown;
}

/** `on_signed_out` is called at each 401, whoever asked. */
export function createApi(fetcher: typeof fetch, asked: Asked, on_signed_out: () => void): Api {
  async function request(path: string, init: RequestInit): Promise<Response> {
    const early = init.method === undefined ? asked.take(BASE + path) : null;
    const response = await (early ?? fetcher(BASE + path, { credentials: "same-origin", ...init })).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new ApiFailure(0, "the server was not reached", "is it running, and is the network up?");
    });
    if (response.ok) return response;
    if (response.status === 401) on_signed_out();
    throw await failureOf(response);
  }

  async function get<Answer>(path: string, params: Params, signal?: AbortSignal): Promise<Answer> {
    const init: RequestInit = { headers: { accept: "application/json" } };
    if (signal) init.signal = signal;
    try {
      return (await (await request(path + queryOf(params), init)).json()) as Answer;
    } finally {
      // What was asked early does not know the signal: neither its answer nor its failure is wanted any more.
      signal?.throwIfAborted();
    }
  }

  async function send<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const response = await request(path, body === undefined ? { method } : { method, headers, body: JSON.stringify(body) });
    return (response.status === 204 ? null : await response.json()) as Answer;
  }

  return {
    ...createAdminApi({ get, send }),
    me: (signal) => get("/me", {}, signal),
    logout: async () => void (await request("/logout", { method: "POST" })),
    projects: (signal) => get("/projects", {}, signal),
    sessions: (params, signal) => get("/sessions", params, signal),
    sessionsRead: (params) => (asked.takeRead(BASE + "/sessions" + queryOf(params)) as Page<Session> | undefined) ?? null,
    summary: (params, signal) => get("/sessions/summary", params, signal),
    counts: (params, signal) => get("/sessions/counts", params, signal),
    worthOpening: (params, signal) => get("/sessions/worth-opening", params, signal),
    filterFields: (signal) => get("/filter/fields", {}, signal),
    filterValues: (params, signal) => get("/filter/values", params, signal),
    views: (signal) => get("/views", {}, signal),
    putView: async (id, view) => {
      const init = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(view) };
      return (await (await request(`/views/${encodeURIComponent(id)}`, init)).json()) as View;
    },
    deleteView: async (id) => void (await request(`/views/${encodeURIComponent(id)}`, { method: "DELETE" })),
    session: (id, signal) => get(sessionPath(id), {}, signal),
    events: (id, params, signal) => get(`${sessionPath(id)}/events`, params, signal),
    density: (id, params, signal) => get(`${sessionPath(id)}/density`, params, signal),
    event: (id, signal) => get(`/events/${encodeURIComponent(id)}`, {}, signal),
    threads: (id, params, signal) => get(`${sessionPath(id)}/threads`, params, signal),
    metrics: (id, signal) => get(`${sessionPath(id)}/metrics`, {}, signal),
    metricPoints: (id, params, signal) => get(`${sessionPath(id)}/metrics/points`, params, signal),
    requestSession: async (id) => void (await request(`${sessionPath(id)}/request`, { method: "POST" })),
    liveSwitch: (signal) => get("/live", {}, signal),
    liveSessions: (params, signal) => get("/live/sessions", params, signal),
    commandLive: async (id, command) => void (await send("POST", `/live/sessions/${encodeURIComponent(id)}/commands`, command)),
    pin: async (id, is_pinned) => void (await request(`${sessionPath(id)}/pin`, { method: is_pinned ? "PUT" : "DELETE" })),
  };
}

/** Where the browser saves all events of a session that match, as a file. */
export function eventsExportUrl(id: string, params: Params): string {
  return `${BASE}${sessionPath(id)}/events${queryOf(params)}`;
}

/** Where the browser saves a session of a program as one session file. */
export function downloadUrl(id: string): string {
  return `${BASE}${sessionPath(id)}/download`;
}

function sessionPath(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

/** Where the browser itself gets what is listed as a file. */
export function exportUrl(params: Params, format: "ndjson" | "csv"): string {
  return `${BASE}/sessions${queryOf({ ...params, format })}`;
}

/** Reads problem+json; a proxy in between may answer with anything, so nothing of it is relied on. */
async function failureOf(response: Response): Promise<ApiFailure> {
  return problemFailure(response.status, response.statusText, await response.text().catch(() => ""));
}

export function problemFailure(status: number, status_text: string, body: string): ApiFailure {
  const fallback = status_text || "the server answered with an error";
  try {
    const problem = JSON.parse(body) as Record<string, unknown>;
    const title = typeof problem["title"] === "string" ? problem["title"] : fallback;
    const detail = typeof problem["detail"] === "string" ? problem["detail"] : "";
    return new ApiFailure(status, title, detail, faultOf(problem, detail));
  } catch {
    return new ApiFailure(status, fallback, "");
  }
}

function faultOf({ position, length, suggestion }: Record<string, unknown>, detail: string): FilterFault | null {
  if (typeof position !== "number" || typeof length !== "number") return null;
  return { position, length, detail, suggestion: typeof suggestion === "string" ? suggestion : null };
}

export function isAborted(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}

/** What is wrong with the filter, if that is why it failed. */
export function filterFault(cause: unknown): FilterFault | null {
  return cause instanceof ApiFailure ? cause.fault : null;
}

export function failureText(cause: unknown): string {
  if (cause instanceof ApiFailure) return cause.status > 0 ? `${cause.message} (${cause.status})` : cause.message;
  return cause instanceof Error ? cause.message : String(cause);
}
