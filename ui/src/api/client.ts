// The requests the page makes, one function each. Every failure becomes an ApiFailure that can be shown as it is.

import type { Density, EventPage, Me, Page, Project, Session, SessionEvent, SessionsSummary } from "./types";

const BASE = "/api/v1";

/** Query parameters; what is null is left out. */
export type Params = Record<string, string | number | null>;

/** `status` is 0 when the server was not reached. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

export interface Api {
  me(signal?: AbortSignal): Promise<Me>;
  logout(): Promise<void>;
  projects(signal?: AbortSignal): Promise<{ items: Project[] }>;
  sessions(params: Params, signal?: AbortSignal): Promise<Page<Session>>;
  summary(params: Params, signal?: AbortSignal): Promise<SessionsSummary>;
  session(id: string, signal?: AbortSignal): Promise<Session>;
  events(id: string, params: Params, signal?: AbortSignal): Promise<EventPage>;
  density(id: string, params: Params, signal?: AbortSignal): Promise<Density>;
  event(id: string, signal?: AbortSignal): Promise<SessionEvent>;
  pin(id: string, is_pinned: boolean): Promise<void>;
}

/** `on_signed_out` is called at each 401, whoever asked. */
export function createApi(fetcher: typeof fetch, on_signed_out: () => void): Api {
  async function request(path: string, init: RequestInit): Promise<Response> {
    const response = await fetcher(BASE + path, { credentials: "same-origin", ...init }).catch((cause: unknown) => {
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
    const response = await request(path + queryOf(params), init);
    return (await response.json()) as Answer;
  }

  return {
    me: (signal) => get("/me", {}, signal),
    logout: async () => void (await request("/logout", { method: "POST" })),
    projects: (signal) => get("/projects", {}, signal),
    sessions: (params, signal) => get("/sessions", params, signal),
    summary: (params, signal) => get("/sessions/summary", params, signal),
    session: (id, signal) => get(sessionPath(id), {}, signal),
    events: (id, params, signal) => get(`${sessionPath(id)}/events`, params, signal),
    density: (id, params, signal) => get(`${sessionPath(id)}/density`, params, signal),
    event: (id, signal) => get(`/events/${encodeURIComponent(id)}`, {}, signal),
    pin: async (id, is_pinned) => void (await request(`${sessionPath(id)}/pin`, { method: is_pinned ? "PUT" : "DELETE" })),
  };
}

/** Where the browser saves all events of a session that match, as a file. */
export function eventsExportUrl(id: string, params: Params): string {
  return `${BASE}${sessionPath(id)}/events${queryOf(params)}`;
}

function sessionPath(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}

function queryOf(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== null) query.set(name, String(value));
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** Reads problem+json; a proxy in between may answer with anything, so nothing of it is relied on. */
async function failureOf(response: Response): Promise<ApiFailure> {
  const fallback = response.statusText || "the server answered with an error";
  try {
    const problem = (await response.json()) as { title?: unknown; detail?: unknown };
    const title = typeof problem.title === "string" ? problem.title : fallback;
    const detail = typeof problem.detail === "string" ? problem.detail : "";
    return new ApiFailure(response.status, title, detail);
  } catch {
    return new ApiFailure(response.status, fallback, "");
  }
}

export function isAborted(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}

export function failureText(cause: unknown): string {
  if (cause instanceof ApiFailure) return cause.status > 0 ? `${cause.message} (${cause.status})` : cause.message;
  return cause instanceof Error ? cause.message : String(cause);
}
