// What the API is asked for a state of the list.

import type { Params } from "../../api/client";
import { rangeFrom, rangeTo, type ListState } from "../url_state";

/** Without what the tiles are pressed for, so that they do not change when they are. */
export function baseParams(list: ListState, now_ms: number): Params {
  return { project: list.project, from: rangeFrom(list.range, now_ms), to: rangeTo(list.range), filter: list.filter || null };
}

/** Which sessions. */
export function whichParams(list: ListState, now_ms: number): Params {
  return {
    ...baseParams(list, now_ms),
    state: list.running ? "running" : null,
    errors: list.errors || list.without_errors ? String(list.errors) : null,
  };
}

/** Which sessions, in which order. */
export function listParams(list: ListState, now_ms: number): Params {
  return { ...whichParams(list, now_ms), sort: list.sort };
}

/** Rows that are read at once. */
const PAGE_SIZE = 100;

/** The same, a page of them. */
export function pageParams(list: ListState, now_ms: number): Params {
  return { ...listParams(list, now_ms), limit: PAGE_SIZE };
}
