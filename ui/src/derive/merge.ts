// How what was just read joins what is already shown, without losing or doubling a row.

import type { Session, SessionEvent } from "../api/types";

export interface MergedSessions {
  rows: Session[];
  /** How many of the rows were not there before. */
  added: number;
  /** Nothing of the old list was kept: its cursor is worthless. */
  replaced: boolean;
}

/**
 * Joins a fresh first page with the rows known before; both in the order of `compare`. `complete`: there is no second page.
 * Only for orders in which a row that grows moves up, so that what left the page was loaded before.
 */
export function mergeFirstPage(
  old_rows: readonly Session[],
  page: readonly Session[],
  complete: boolean,
  compare: (left: Session, right: Session) => number = newestFirst,
): MergedSessions {
  const old_ids = new Set(old_rows.map((row) => row.id));
  const page_ids = new Set(page.map((row) => row.id));
  const added = page.reduce((count, row) => count + (old_ids.has(row.id) ? 0 : 1), 0);
  const last = page.at(-1);
  // With no overlap there may be a gap between the two that nobody has read.
  const overlaps = page.some((row) => old_ids.has(row.id));
  if (complete || !last || !overlaps) return { rows: [...page], added, replaced: true };
  const last_index = old_rows.findIndex((row) => row.id === last.id);
  const rest = last_index >= 0 ? old_rows.slice(last_index + 1) : old_rows.filter((row) => compare(last, row) < 0);
  return { rows: [...page, ...rest.filter((row) => !page_ids.has(row.id))], added, replaced: false };
}

function newestFirst(left: Session, right: Session): number {
  return left.started_at < right.started_at ? 1 : left.started_at > right.started_at ? -1 : 0;
}

/** Takes newer versions of rows over in place; nothing is added or moved. */
export function updateRows(rows: readonly Session[], newer: readonly Session[]): Session[] {
  const by_id = new Map(newer.map((row) => [row.id, row]));
  return rows.map((row) => by_id.get(row.id) ?? row);
}

/** Order of the event list: by time, then sequence. RFC 3339 in UTC may carry different precision, so times are parsed. */
export function compareEvents(left: SessionEvent, right: SessionEvent): number {
  return Date.parse(left.time) - Date.parse(right.time) || left.sequence - right.sequence;
}
