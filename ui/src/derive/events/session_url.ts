// The address of a session: which part of its events is looked at, and which one is open. Defaults are left out.

import type { SeverityLevel } from "../../api/types";
import { parseSeverity } from "../severity";

export type SessionTab = "events" | "errors" | "threads" | "metrics" | "environment" | "related";

export const SESSION_TABS: readonly SessionTab[] = ["events", "errors", "threads", "metrics", "environment", "related"];

export interface SessionPageState {
  id: string;
  tab: SessionTab;
  /** In the filter language. */
  filter: string;
  severity: SeverityLevel | null;
  /** Only errors as the session counts them; lines of severity error alone are none. */
  errors: boolean;
  /** The part of the session that is looked at: `[from_ms, to_ms)`; both or none. */
  from_ms: number | null;
  to_ms: number | null;
  /** Sequence of the selected event. */
  event: number | null;
  /** Stays at the end while the session goes on. */
  follow: boolean;
  /** Identical neighbours are one row. */
  grouped: boolean;
  /** Charts of metrics, in order: `shop.orders{till="3"}`, `p99~shop.checkout`. None: as the page chooses. */
  charts: readonly string[];
}

export const SESSION_STATE_DEFAULT: Omit<SessionPageState, "id"> = {
  tab: "events", filter: "", severity: null, errors: false, from_ms: null, to_ms: null, event: null, follow: false, grouped: true, charts: [],
};

/** Charts of one page: each asks the server a question of its own. */
export const CHARTS_MAX = 8;

/** What is not given is as by default. */
export type SessionAddress = Pick<SessionPageState, "id"> & Partial<SessionPageState>;

export function parseSession(id: string, query: URLSearchParams): SessionPageState {
  const sequence = Number(query.get("event"));
  const [from_ms, to_ms] = [Date.parse(query.get("from") ?? ""), Date.parse(query.get("to") ?? "")];
  const is_range = from_ms < to_ms;
  return {
    id,
    tab: SESSION_TABS.find((tab) => tab === query.get("tab")) ?? "events",
    filter: query.get("filter") ?? "",
    severity: parseSeverity(query.get("severity")),
    errors: query.get("errors") === "true",
    from_ms: is_range ? from_ms : null,
    to_ms: is_range ? to_ms : null,
    event: Number.isSafeInteger(sequence) && sequence > 0 ? sequence : null,
    follow: query.get("follow") === "true",
    grouped: query.get("grouped") !== "false",
    charts: query.getAll("chart").slice(0, CHARTS_MAX),
  };
}

export function sessionPath(address: SessionAddress): { path: string; query: URLSearchParams } {
  const session = { ...SESSION_STATE_DEFAULT, ...address };
  const query = new URLSearchParams();
  if (session.tab !== "events") query.set("tab", session.tab);
  if (session.filter) query.set("filter", session.filter);
  if (session.severity) query.set("severity", session.severity);
  if (session.errors) query.set("errors", "true");
  if (session.from_ms !== null && session.to_ms !== null) {
    query.set("from", new Date(session.from_ms).toISOString());
    query.set("to", new Date(session.to_ms).toISOString());
  }
  if (session.event !== null) query.set("event", String(session.event));
  if (session.follow) query.set("follow", "true");
  if (!session.grouped) query.set("grouped", "false");
  for (const chart of session.charts) query.append("chart", chart);
  return { path: `/sessions/${encodeURIComponent(session.id)}`, query };
}
