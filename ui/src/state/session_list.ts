// The list of sessions: read page by page, refreshed by the stream of changes without moving what is being read.

import { createMemo, createSignal, type Accessor } from "solid-js";
import { failureText, filterFault, isAborted, type Params } from "../api/client";
import type { FilterFault, Page, Session } from "../api/types";
import { pageParams } from "../derive/list/params";
import { absoluteEnds, RANGE_DEFAULT, type Range } from "../derive/list/range";
import { compareSessions, isDescending, sortColumn, type Sort } from "../derive/list/sort";
import { mergeFirstPage, updateRows, type MergedSessions } from "../derive/merge";
import type { ListState } from "../derive/url_state";
import type { App } from "./app";
import { createFigures, type Figures } from "./list/figures";
import { concerns, whileActive, type Panel } from "./list/panel";
import { createCoalesced, createPainted } from "./refresh";

export interface SessionList {
  rows: Accessor<Session[]>;
  /** A first page has been read, for whatever filter. */
  ready: Accessor<boolean>;
  loading: Accessor<boolean>;
  failure: Accessor<string | null>;
  /** The failure is that the filter is wrong. */
  fault: Accessor<FilterFault | null>;
  /** The rows are the answer to another question than the one asked now. */
  stale: Accessor<boolean>;
  figures: Figures;
  /** Sessions that arrived while one was reading further down. */
  held_count: Accessor<number>;
  showHeld(): void;
  loadMore(): void;
  /** Reads again, and whatever else could not be read. */
  retry(): void;
  /** The last range that was not between two moments: where "reset range" leads. */
  back_to: Accessor<Range>;
  /** The view tells whether the top of the list is in sight, and which rows are. */
  setReading(reading: { at_top: boolean; visible_ids: string[] }): void;
  /** Nobody reads further down. */
  at_top: Accessor<boolean>;
  selected_id: Accessor<string | null>;
  select(id: string | null): void;
  /** Survives leaving the list, so that back returns to the same row. */
  scroll_top: { value: number };
}

const REFRESH_GAP_MS = 400;
/** Changed rows below the first page that are read one by one: as many as fit on a screen, not more. */
const SINGLE_READS_MAX = 20;

/** While not `active` (another place is shown) nothing is asked; what was missed is read on return. */
export function createSessionList(app: App, list: Accessor<ListState>, active: Accessor<boolean>): SessionList {
  const [rows, setRows] = createSignal<Session[]>([]);
  const [ready, setReady] = createSignal(false);
  const [loading, setLoading] = createSignal(false);
  const [failure, setFailure] = createSignal<string | null>(null);
  const [fault, setFault] = createSignal<FilterFault | null>(null);
  const [answered_key, setAnsweredKey] = createSignal<string | null>(null);
  const [held, setHeld] = createSignal<{ rows: Session[]; cursor: string | null; count: number } | null>(null);
  const [selected_id, select] = createSignal<string | null>(null);
  const [at_top, setAtTop] = createSignal(true);
  const scroll_top = { value: 0 };
  let cursor: string | null = null;
  let request = new AbortController();
  let loading_more = false;
  let reading = { at_top: true, visible_ids: [] as string[] };
  const changed_ids = new Set<string>();

  const back_to = createMemo<Range>((last) => (absoluteEnds(list().range) ? last : list().range), RANGE_DEFAULT);
  const key = createMemo(() => JSON.stringify(list()));
  const stale = () => ready() && answered_key() !== key();
  // Rows come first: adding up may take the server longer than finding a page of them.
  const are_rows_told = createMemo(() => active() && ((ready() && !stale()) || failure() !== null));
  const are_rows_seen = createPainted(are_rows_told);
  const figures = createFigures(app, list, () => are_rows_told() && are_rows_seen());
  const params = (): Params => pageParams(list(), Date.now());
  const tell = (cause: unknown) => {
    if (isAborted(cause)) return;
    setFault(filterFault(cause));
    setFailure(failureText(cause));
  };
  const tellNothing = () => {
    setFault(null);
    setFailure(null);
  };

  function takeAnswer(page: Page<Session>, asked_key: string): void {
    cursor = page.next_cursor;
    scroll_top.value = 0;
    setHeld(null);
    setRows(page.items);
    setAnsweredKey(asked_key);
    tellNothing();
    setReady(true);
  }

  async function load(): Promise<void> {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    const asked_key = key();
    setLoading(true);
    try {
      const page = await app.api.sessions(params(), signal);
      takeAnswer(page, asked_key);
    } catch (cause) {
      tell(cause);
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
      tellNothing();
    } catch (cause) {
      tell(cause);
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
      tellNothing();
    } catch (cause) {
      tell(cause);
    }
  }, REFRESH_GAP_MS);

  function takeFirstPage(page: Session[], page_cursor: string | null): void {
    const merged = joinFirstPage(rows(), page, page_cursor === null, list().sort);
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

  // At the start the rows may be here before the table: then both are drawn at once.
  let read = active() ? app.api.sessionsRead(params()) : null;
  if (read) takeAnswer(read, key());
  const loadUnlessRead = () => {
    if (!read) void load();
    read = null;
  };
  whileActive(active, key, loadUnlessRead, refresh, (onChange) =>
    app.onChanged((changed) => {
      if (!concerns(changed, list().project)) return;
      changed?.sessions?.forEach((id) => changed_ids.add(id));
      onChange();
    }),
  );

  return {
    rows, ready, loading, failure, fault, stale, at_top, back_to, figures, selected_id, select, scroll_top, showHeld,
    held_count: () => held()?.count ?? 0,
    loadMore: () => void loadMore(),
    retry() {
      refresh();
      for (const panel of Object.values(figures) as Panel<unknown>[]) if (panel.failure() !== null) panel.retry();
    },
    setReading: (next) => {
      const came_to_top = next.at_top && !reading.at_top;
      reading = next;
      setAtTop(next.at_top);
      if (came_to_top) showHeld();
    },
  };
}

/** Where the smallest come first a row that grows leaves the page for a place that is not known: all is read anew. */
function joinFirstPage(old_rows: Session[], page: Session[], complete: boolean, sort: Sort): MergedSessions {
  const merged = mergeFirstPage(old_rows, page, complete, compareSessions(sort));
  const stays = isDescending(sort) || sortColumn(sort) === "started";
  return stays ? merged : { rows: page, added: merged.added, replaced: true };
}
