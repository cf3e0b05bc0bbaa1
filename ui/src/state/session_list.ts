// The list of sessions: read page by page, refreshed by the stream of changes without moving what is being read.

import { createEffect, createMemo, createSignal, on, type Accessor } from "solid-js";
import { failureText, isAborted, type Params } from "../api/client";
import type { Changed, Session, SessionsSummary } from "../api/types";
import { mergeFirstPage, updateRows } from "../derive/merge";
import { rangeFrom, type ListState } from "../derive/url_state";
import type { App } from "./app";
import { createCoalesced } from "./refresh";

export interface SessionList {
  rows: Accessor<Session[]>;
  /** A first page has been read, for whatever filter. */
  ready: Accessor<boolean>;
  loading: Accessor<boolean>;
  failure: Accessor<string | null>;
  /** The rows are the answer to another question than the one asked now. */
  stale: Accessor<boolean>;
  summary: Accessor<SessionsSummary | null>;
  /** Sessions that arrived while one was reading further down. */
  held_count: Accessor<number>;
  showHeld(): void;
  loadMore(): void;
  retry(): void;
  /** The view tells whether the top of the list is in sight, and which rows are. */
  setReading(reading: { at_top: boolean; visible_ids: string[] }): void;
  selected_id: Accessor<string | null>;
  select(id: string | null): void;
  /** Survives leaving the list, so that back returns to the same row. */
  scroll_top: { value: number };
}

const PAGE_SIZE = 100;
const REFRESH_GAP_MS = 400;
const SUMMARY_GAP_MS = 1_500;
/** Changed rows below the first page that are read one by one: as many as fit on a screen, not more. */
const SINGLE_READS_MAX = 20;

/** While not `active` (another place is shown) nothing is asked; what was missed is read on return. */
export function createSessionList(app: App, list: Accessor<ListState>, active: Accessor<boolean>): SessionList {
  const [rows, setRows] = createSignal<Session[]>([]);
  const [ready, setReady] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [failure, setFailure] = createSignal<string | null>(null);
  const [answered_key, setAnsweredKey] = createSignal<string | null>(null);
  const [held, setHeld] = createSignal<{ rows: Session[]; cursor: string | null; count: number } | null>(null);
  const [selected_id, select] = createSignal<string | null>(null);
  const scroll_top = { value: 0 };
  let cursor: string | null = null;
  let request = new AbortController();
  let loading_more = false;
  let reading = { at_top: true, visible_ids: [] as string[] };
  const changed_ids = new Set<string>();

  const key = createMemo(() => JSON.stringify(list()));
  const stale = () => ready() && answered_key() !== key();
  const params = (): Params => ({
    ...baseParams(list()),
    state: list().running ? "running" : null,
    errors: list().errors ? "true" : null,
    limit: PAGE_SIZE,
  });

  async function load(): Promise<void> {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    const asked_key = key();
    setLoading(true);
    try {
      const page = await app.api.sessions(params(), signal);
      cursor = page.next_cursor;
      scroll_top.value = 0;
      setHeld(null);
      setRows(page.items);
      setAnsweredKey(asked_key);
      setFailure(null);
      setReady(true);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(failureText(cause));
    } finally {
      if (!signal.aborted) setLoading(false);
    }
  }

  async function loadMore(): Promise<void> {
    if (loading_more || cursor === null || loading() || stale()) return;
    loading_more = true;
    const { signal } = request;
    try {
      const page = await app.api.sessions({ ...params(), cursor }, signal);
      const known = new Set(rows().map((row) => row.id));
      setRows([...rows(), ...page.items.filter((row) => !known.has(row.id))]);
      cursor = page.next_cursor;
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(failureText(cause));
    } finally {
      loading_more = false;
    }
  }

  const refresh = createCoalesced(async () => {
    if (!ready() || stale()) return load();
    const { signal } = request;
    const ids = [...changed_ids];
    changed_ids.clear();
    try {
      const page = await app.api.sessions(params(), signal);
      takeFirstPage(page.items, page.next_cursor);
      await refreshVisible(ids, new Set(page.items.map((row) => row.id)), signal);
      setFailure(null);
    } catch (cause) {
      if (!isAborted(cause)) setFailure(failureText(cause));
    }
  }, REFRESH_GAP_MS);

  function takeFirstPage(page: Session[], page_cursor: string | null): void {
    const merged = mergeFirstPage(rows(), page, page_cursor === null);
    const next_cursor = merged.replaced ? page_cursor : cursor;
    if (reading.at_top || merged.added === 0) {
      // Rows that went away (no longer running, no longer in range) would move what is read: they wait as well.
      if (!reading.at_top) return void setRows(updateRows(rows(), page));
      cursor = next_cursor;
      setRows(merged.rows);
      return void setHeld(null);
    }
    setRows(updateRows(rows(), page));
    setHeld({ rows: merged.rows, cursor: next_cursor, count: merged.added });
  }

  async function refreshVisible(ids: string[], done: Set<string>, signal: AbortSignal): Promise<void> {
    const visible = new Set(reading.visible_ids);
    const wanted = ids.filter((id) => visible.has(id) && !done.has(id)).slice(0, SINGLE_READS_MAX);
    if (wanted.length === 0) return;
    const newer = await Promise.all(wanted.map((id) => app.api.session(id, signal)));
    setRows(updateRows(rows(), newer));
  }

  function showHeld(): void {
    const waiting = held();
    if (!waiting) return;
    cursor = waiting.cursor;
    setRows(waiting.rows);
    setHeld(null);
  }

  whileActive(active, key, () => void load(), refresh, (onChange) =>
    app.onChanged((changed) => {
      if (!concerns(changed, list().project)) return;
      changed?.sessions?.forEach((id) => changed_ids.add(id));
      onChange();
    }),
  );

  return {
    rows, ready, loading, failure, stale, selected_id, select, scroll_top, showHeld,
    summary: createSummary(app, list, active),
    held_count: () => held()?.count ?? 0,
    loadMore: () => void loadMore(),
    retry: refresh,
    setReading: (next) => {
      const came_to_top = next.at_top && !reading.at_top;
      reading = next;
      if (came_to_top) showHeld();
    },
  };
}

/** Loads for each new key and refreshes at each change; both wait for `active`. */
function whileActive(
  active: Accessor<boolean>,
  key: Accessor<string>,
  load: () => void,
  refresh: () => void,
  listen: (onChange: () => void) => void,
): void {
  let loaded_key: string | null = null;
  let stale = false;
  createEffect(
    on([active, key], () => {
      if (!active()) return;
      if (loaded_key !== key()) load();
      else if (stale) refresh();
      loaded_key = key();
      stale = false;
    }),
  );
  listen(() => {
    if (active()) refresh();
    else stale = true;
  });
}

function concerns(changed: Changed | null, project: string | null): boolean {
  return changed === null || project === null || changed.projects.includes(project);
}

function baseParams(list: ListState): Params {
  return { project: list.project, from: rangeFrom(list.range, Date.now()), filter: list.filter || null };
}

/** The tiles. Running and errors are left out of the question, so that the tiles do not change when they are pressed. */
function createSummary(app: App, list: Accessor<ListState>, active: Accessor<boolean>): Accessor<SessionsSummary | null> {
  const [summary, setSummary] = createSignal<SessionsSummary | null>(null);
  const key = createMemo(() => JSON.stringify([list().project, list().range, list().filter]));
  let request = new AbortController();

  async function load(): Promise<void> {
    request.abort();
    request = new AbortController();
    // A failure is told by the list, which asks the same server; old figures stay.
    const answer = await app.api.summary(baseParams(list()), request.signal).catch(() => null);
    if (answer) setSummary(answer);
  }

  const refresh = createCoalesced(load, SUMMARY_GAP_MS);
  whileActive(active, key, () => void load(), refresh, (onChange) =>
    app.onChanged((changed) => {
      if (concerns(changed, list().project)) onChange();
    }),
  );
  return summary;
}
