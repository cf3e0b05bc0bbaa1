// What the list is in order of. As text it is what stands in the address and what the API takes.

import type { Session } from "../../api/types";

export type SortColumn = "started" | "last_activity" | "duration" | "events" | "errors";
export type Sort = SortColumn | `-${SortColumn}`;

/** The newest first. */
export const SORT_DEFAULT: Sort = "-started";

const COLUMNS: readonly SortColumn[] = ["started", "last_activity", "duration", "events", "errors"];

export function parseSort(text: string | null): Sort | null {
  const column = COLUMNS.find((known) => known === text?.replace(/^-/, ""));
  if (!column) return null;
  return text?.startsWith("-") ? `-${column}` : column;
}

export function sortColumn(sort: Sort): SortColumn {
  return sort.replace(/^-/, "") as SortColumn;
}

export function isDescending(sort: Sort): boolean {
  return sort.startsWith("-");
}

/** The largest first, as one asks for the most; the second time the other way round. */
export function nextSort(sort: Sort, column: SortColumn): Sort {
  return sort === `-${column}` ? column : `-${column}`;
}

/** Orders in words, for where not every column has room; turned around only what is. */
export function sortChoices(now: Sort): { sort: Sort; text: string }[] {
  const choices = COLUMNS.map((column) => ({ sort: `-${column}` as Sort, text: WORDS[column][0] }));
  return isDescending(now) ? choices : [...choices, { sort: now, text: WORDS[sortColumn(now)][1] }];
}

const WORDS: Record<SortColumn, [string, string]> = {
  started: ["Newest", "Oldest"],
  last_activity: ["Last active", "Longest silent"],
  duration: ["Longest", "Shortest"],
  events: ["Most events", "Fewest events"],
  errors: ["Most errors", "Fewest errors"],
};

/** Below 0 if `left` stands before `right`. As the server has it, but for times closer than a millisecond. */
export function compareSessions(sort: Sort): (left: Session, right: Session) => number {
  const value = VALUES[sortColumn(sort)];
  const turn = isDescending(sort) ? -1 : 1;
  return (left, right) => turn * (value(left) - value(right) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
}

const VALUES: Record<SortColumn, (session: Session) => number> = {
  started: (session) => Date.parse(session.started_at),
  last_activity: (session) => Date.parse(session.last_activity_at),
  duration: (session) => session.duration_seconds,
  events: (session) => session.event_count,
  errors: (session) => session.error_count,
};
