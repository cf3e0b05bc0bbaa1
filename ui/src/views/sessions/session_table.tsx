// The rows of the list: read on as one scrolls, opened by a click or a key, with a menu of the values of each.

import { createEffect, createMemo, createSignal, Show, type Accessor, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { rangePhrase } from "../../derive/list/range";
import { rowValues } from "../../derive/list/row_values";
import { countedText } from "../../derive/number";
import { LIST_STATE_DEFAULT, sessionUrl, type ListState } from "../../derive/url_state";
import { useApp, type App } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createDelayed, createPainted } from "../../state/refresh";
import type { SessionList } from "../../state/session_list";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { COLUMN_COUNT, SessionHead, SessionRow } from "./session_row";
import { ValueMenu, type ValueMenuHandle } from "./value_menu";

export type Change = (part: Partial<ListState>, replace?: boolean) => void;

export interface SessionTableProps {
  list: SessionList;
  state: ListState;
  onChange: Change;
}

/** Rows below what is seen when more are read. */
const READ_AHEAD = 30;

export function SessionTable(props: SessionTableProps): JSX.Element {
  const app = useApp();
  const list = () => props.list;
  const [life_width, setLifeWidth] = createSignal(0);
  const acts = createRowActs(app, list);
  const waiting = createDelayed(() => list().loading());
  // Who and when are read first; the drawings follow a frame later.
  const painted = createPainted(() => list().rows().length > 0);
  return (
    <div class="table-frame" classList={{ waiting: list().stale() && (waiting() || list().failure() !== null) }} aria-busy={list().loading()}>
      <Show when={list().held_count() > 0}>
        <button type="button" class="pill" onClick={acts.showHeld}>{countedText(list().held_count(), "new session")}</button>
      </Show>
      <VirtualGrid
        label="Sessions"
        name="session"
        count={list().rows().length}
        column_count={COLUMN_COUNT}
        active_index={acts.active_index()}
        head={<SessionHead order={{ sort: props.state.sort, onSort: (sort) => props.onChange({ sort }) }} onLifeWidth={setLifeWidth} />}
        row={(index) => <Show when={list().rows()[index()]}>{(row) => <SessionRow session={row()} life_width={painted() ? life_width() : 0} />}</Show>}
        onRowClick={acts.onRowClick}
        onView={acts.onView}
        scroll_top={list().scroll_top}
        handle={acts.setGrid}
      />
      <ValueMenu filter={props.state.filter} onFilter={(filter) => props.onChange({ filter })} onClosed={acts.toGrid} handle={acts.setMenu} />
      <Show when={!list().ready() && waiting()}>
        <div class="skeleton-rows" aria-hidden="true" />
      </Show>
      <Show when={list().ready() && list().rows().length === 0 && !list().failure()}>
        <NoMatch state={props.state} onChange={props.onChange} />
      </Show>
    </div>
  );
}

interface RowActs {
  active_index: Accessor<number>;
  showHeld(): void;
  onView(view: GridView): void;
  onRowClick(index: number, event: MouseEvent): void;
  setGrid(grid: GridHandle): void;
  setMenu(menu: ValueMenuHandle): void;
  toGrid(): void;
}

/** What is done with rows, by click and by key. */
function createRowActs(app: App, list: Accessor<SessionList>): RowActs {
  let grid: GridHandle | undefined;
  let menu: ValueMenuHandle | undefined;
  let view: GridView | undefined;
  const active_index = createMemo(() => list().rows().findIndex((row) => row.id === list().selected_id()));
  const rowAt = (index: number) => list().rows()[index];

  const open = (row: Session | undefined) => {
    if (!row) return;
    list().select(row.id);
    app.router.navigate(openUrl(row));
  };
  const move = (by: number) => {
    const from = active_index() >= 0 ? active_index() : (view?.first ?? 0) - Math.max(by, 0);
    const index = Math.min(Math.max(from + by, 0), list().rows().length - 1);
    const row = rowAt(index);
    if (!row) return;
    list().select(row.id);
    grid?.reveal(index);
  };
  const openMenu = (index: number, at: Element | null, group?: string) => {
    const row = rowAt(index);
    if (row && at) menu?.open(rowValues(row).filter((value) => !group || value.group === group), at.getBoundingClientRect());
  };
  const copyLink = async () =>
    app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => open(rowAt(active_index())),
    Escape: () => list().select(null),
    v: () => openMenu(active_index(), document.querySelector(`#session-${active_index()} [role=gridcell]`)),
    y: () => void copyLink(),
  });
  // A new question starts at the top.
  createEffect(() => {
    list().rows();
    if (list().scroll_top.value === 0 && view && !view.at_top) grid?.toTop();
  });

  return {
    active_index,
    showHeld() {
      list().showHeld();
      grid?.toTop();
    },
    onView(next) {
      view = next;
      const rows = list().rows();
      list().setReading({ at_top: next.at_top, visible_ids: rows.slice(next.first, next.last + 1).map((row) => row.id) });
      if (next.last >= rows.length - READ_AHEAD) list().loadMore();
    },
    onRowClick(index, event) {
      const target = event.target as Element;
      // The link in the row is followed by the router, or by the browser into a new tab.
      if (target.closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const value = target.closest<HTMLElement>("[data-values]");
      if (value) {
        list().select(rowAt(index)?.id ?? null);
        return openMenu(index, value, value.dataset["values"]);
      }
      if (getSelection()?.isCollapsed === false) return;
      open(rowAt(index));
    },
    setGrid: (handle) => (grid = handle),
    setMenu: (handle) => (menu = handle),
    toGrid: () => grid?.focus(),
  };
}

function openUrl(row: Session): string {
  return sessionUrl({ id: row.id });
}

function NoMatch(props: { state: ListState; onChange: Change }): JSX.Element {
  const app = useApp();
  const is_filtered = () => props.state.filter !== "" || props.state.running || props.state.errors || props.state.without_errors;
  const { filter, running, errors, without_errors } = LIST_STATE_DEFAULT;
  return (
    <div class="no-match">
      <p>{is_filtered() ? "No session matches" : "No session was active"}{rangePhrase(props.state.range, app.settings.zone.value())}.</p>
      <div class="actions">
        <Show when={is_filtered()}>
          <button type="button" class="button" onClick={() => props.onChange({ filter, running, errors, without_errors })}>Clear the filters</button>
        </Show>
        <Show when={props.state.range !== "all"}>
          <button type="button" class="button" onClick={() => props.onChange({ range: "all" })}>Look at all time</button>
        </Show>
      </div>
    </div>
  );
}
