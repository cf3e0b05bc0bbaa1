// What the HTTP API answers, by the page's names. `schema.ts` is made of the API's description, docs/openapi.json.
// Times are RFC 3339 text, durations seconds.

import type { Event, Level, Live, Project, Session, SessionSummary } from "./schema";

export type {
  AddMember, AddProject, AddToken, AuditEntry, Browser, ChangeMember, Density, DensityBucket, EndReason, Exception, FilterField, FilterValue, Frame, Kymogram, KymogramBucket,
  Gap, LiveCommand, LiveList, LiveSession, MadeToken, Me, Member, MemberWithLink, MetricPoint, MetricSample, MetricSeries, NewView, Project, ProjectChange, ProjectMember, ProjectSettings, Session, SessionBucket,
  SeriesList, SeriesPoints, SessionCounts, SessionKind, SessionState, SignInLink, Status, ThreadLane, Threads, Token, User, UserDescription, UserReport, View, Worth,
} from "./schema";

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
