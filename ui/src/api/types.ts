// What the HTTP API answers, by the page's names. `schema.ts` is made of the API's description, docs/openapi.json.
// Times are RFC 3339 text, durations seconds.

import type { Event, Level, Live, Project, Session as StoredSession, SessionSummary } from "./schema";

export type {
  AddMember, AddProject, AddToken, AuditEntry, Browser, ChangeMember, Density, DensityBucket, EndReason, Exception, FilterField, FilterValue, Frame, Kymogram, KymogramBucket,
  Gap, MadeToken, Me, Member, MemberWithLink, MetricPoint, MetricSample, MetricSeries, NewView, Project, ProjectChange, ProjectMember, ProjectSettings, SessionBucket,
  SeriesList, SeriesPoints, SessionCounts, SessionKind, SessionState, SignInLink, Status, ThreadLane, Threads, Token, User, UserDescription, UserReport, View, Worth,
} from "./schema";

/** `is_stored`: false while it only runs live, so that nothing of it is stored. */
export type Session = StoredSession & { is_stored?: boolean };
/** Whether programs may connect, by the server's switch and the project's. */
export type LiveSwitch = Live;
export type SeverityLevel = Level;
export type SessionUser = Session["users"][number];
export type SessionsSummary = SessionSummary;
/** `sequence` is the order of arrival in the session, from 1. */
export type SessionEvent = Event;

export type JsonValue = unknown;
export type JsonObject = { [key: string]: unknown };

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface EventPage extends Page<SessionEvent> {
  /** Asked with it as `cursor`: what came since. */
  last_cursor: string | null;
  /** How many of those that match come before the first item. */
  first_index: number | null;
  total: number | null;
}

/** What is wrong with a filter: which of its characters, and what to write instead. */
export interface FilterFault {
  position: number;
  length: number;
  detail: string;
  suggestion: string | null;
}

/** Something was stored. `sessions` is left out when there were too many to name. */
export interface Changed {
  projects: Project["id"][];
  sessions?: Session["id"][];
}

/** A session that runs now. */
export interface LiveSession {
  /** As the API takes it: of a program the id that its agent gave it. */
  id: string;
  project_id: Project["id"];
  project_name: string;
  kind: Session["kind"];
  /** `agent`: its program is connected and can be followed; `http`: known by what it sends. */
  source: "agent" | "http";
  application: string | null;
  version: string | null;
  environment: string | null;
  host: string | null;
  user: { id: string | null; name: string | null } | null;
  started_at: string;
  connected_at: string | null;
  last_word_at: string;
  event_count: number;
  error_count: number;
  warning_count: number;
  dropped_count: number;
  events_per_second: number;
  followers: number;
  /** How far its clock is ahead of the server's. */
  clock_ahead_ms: number | null;
  /** Something of it is stored. */
  is_stored: boolean;
}

/** What a program that is connected is asked to do. */
export type LiveCommand = { command: "send_now" } | { command: "roll" } | { command: "verbosity"; filter: string; seconds: number };
