// What the HTTP API answers, as written in docs/api.md. Times are RFC 3339 text, durations seconds.

export type SeverityLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";
export type SessionState = "running" | "silent" | "ended";
export type SessionKind = "user" | "process" | "browser";
export type EndReason = "normal" | "timed_out" | "crashed" | "killed" | "lost_power" | "unknown";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export interface User {
  id: string;
  name: string | null;
}

export interface SessionUser extends User {
  first_at: string;
  last_at: string;
}

/** One sparse bucket of the kymogram in a session row; empty ones are not listed. */
export interface KymogramBucket {
  at: string;
  count: number;
  worst: SeverityLevel;
}

export interface Kymogram {
  width_seconds: number;
  buckets: KymogramBucket[];
}

export interface Session {
  id: string;
  project: string;
  kind: SessionKind;
  external_id: string | null;
  /** Tabs of one visit have the same. */
  visit_id: string | null;
  state: SessionState;
  end_reason: EndReason | null;
  started_at: string;
  last_activity_at: string;
  ended_at: string | null;
  duration_seconds: number;
  user: User | null;
  users: SessionUser[];
  application: string | null;
  version: string | null;
  host: string | null;
  os: string | null;
  runtime: string | null;
  user_agent: string | null;
  page: string | null;
  clock_skew_seconds: number | null;
  event_count: number;
  error_count: number;
  /** By reason: what came for it and was not stored as an event of its own. */
  dropped: Record<string, number>;
  kymogram: Kymogram | null;
  properties: Record<string, { first: JsonValue; last: JsonValue }>;
}

export interface SessionsSummary {
  sessions: number;
  users: number;
  running: number;
  with_errors: number;
  average_duration_seconds: number | null;
}

export interface Frame {
  function: string | null;
  type: string | null;
  file: string | null;
  line: number | null;
  column: number | null;
  attributes: JsonObject;
}

export interface Exception {
  type: string | null;
  message: string | null;
  code: string | null;
  frames: Frame[];
  stack_text: string | null;
  inner: Exception | null;
  attributes: JsonObject;
}

/** What a user said about an event, in a request of its own. */
export interface UserDescription {
  email: string | null;
  description: string | null;
  data: JsonObject;
  received_at: string;
}

/** `sequence` is the order of arrival in the session, from 1. */
export interface SessionEvent {
  session_id: string | null;
  sequence: number;
  time: string;
  observed_time: string;
  severity: SeverityLevel;
  severity_number: number;
  kind: string;
  category: string | null;
  message: string | null;
  user: User | null;
  reference_id: string | null;
  user_description: UserDescription | null;
  exception: Exception | null;
  attributes: JsonObject;
}

export interface DensityBucket {
  index: number;
  count: number;
  errors: number;
  worst: SeverityLevel;
}

export interface Density {
  from: string;
  to: string;
  width_seconds: number;
  buckets: DensityBucket[];
}

export interface Project {
  id: string;
  name: string;
  created_at: string;
  session_count: number;
  event_count: number;
}

export interface Me {
  name: string;
  role: string;
  server_version: string;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface EventPage extends Page<SessionEvent> {
  total: number;
}

/** Something was stored. `sessions` is left out when there were too many to name. */
export interface Changed {
  projects: string[];
  sessions?: string[];
}
