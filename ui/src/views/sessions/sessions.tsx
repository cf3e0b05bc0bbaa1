// Home: the list of sessions with its tiles and filters.

import { createEffect, createMemo, createSignal, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { baseParams } from "../../derive/list/params";
import { absoluteEnds, RANGE_DEFAULT, rangePhrase, type Range } from "../../derive/list/range";
import { rowValues } from "../../derive/list/row_values";
import { countedText } from "../../derive/number";
import { LIST_STATE_DEFAULT, listUrl, sessionUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createDelayed } from "../../state/refresh";
import type { SessionList } from "../../state/session_list";
import { FilterBar } from "../filter/filter_bar";
import { Failure } from "../parts/failure";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { Chart } from "./chart";
import { ExportMenu } from "./export_menu";
import { FirstRun } from "./first_run";
import { RangeMenu } from "./range_menu";
import { COLUMN_COUNT, SessionHead, SessionRow } from "./session_row";
import { Tiles } from "./tiles";
import { ValueMenu, type ValueMenuHandle } from "./value_menu";
import { ViewsMenu } from "./views_menu";
import { WorthOpening } from "./worth_opening";

export interface SessionsProps {
  list: SessionList;
  state: ListState;
}

type Change = (part: Partial<ListState>, replace?: boolean) => void;

export function SessionsView(props: SessionsProps): JSX.Element {
  const app = useApp();
  const change: Change = (part, replace = false) => app.router.navigate(listUrl({ ...props.state, ...part }), { replace });
  const first_run = createMemo(() => isFirstRun(props));
  /** The last one that was not between two moments: where "reset range" leads. */
  const back_to = createMemo<Range>((last) => (absoluteEnds(props.state.range) ? last : props.state.range), RANGE_DEFAULT);
  return (
    <Show when={!first_run()} fallback={<FirstRun />}>
      <section class="sessions" aria-labelledby="sessions-title">
        <Toolbar {...props} back_to={back_to()} onChange={change} />
        <Tiles panel={props.list.figures.summary} state={props.state} onChange={change} />
        <Chart panel={props.list.figures.chart} onZoom={(range) => change({ range })} />
        <WorthOpening panel={props.list.figures.worth} at_top={props.list.at_top} />
        <Show when={props.list.fault() ? null : props.list.failure()}>
          {(detail) => <Failure what="The sessions could not be read." detail={detail()} onRetry={props.list.retry} />}
        </Show>
        <SessionTable {...props} onChange={change} />
      </section>
    </Show>
  );
}

function Toolbar(props: SessionsProps & { back_to: Range; onChange: Change }): JSX.Element {
  const scope = () => {
    const { project, from, to } = baseParams(props.state, Date.now());
    return { project: project ?? null, from: from ?? null, to: to ?? null };
  };
  const summary = () => props.list.figures.summary.value();
  const is_narrowed = () => props.state.running || props.state.errors || props.state.without_errors;
  return (
    <div class="toolbar">
      <h1 id="sessions-title">Sessions</h1>
      <FilterBar
        placeholder={'user:ann error:true "exact words"'}
        value={props.state.filter}
        fault={props.list.fault()}
        scope={scope}
        onChange={(filter) => props.onChange({ filter }, true)}
      />
      <RangeMenu range={props.state.range} back_to={props.back_to} onChange={(range) => props.onChange({ range })} />
      <ViewsMenu state={props.state} />
      <ExportMenu state={props.state} count={is_narrowed() ? null : (summary()?.sessions ?? null)} />
    </div>
  );
}

/** Nothing has ever arrived, as opposed to nothing that matches. */
function isFirstRun({ list, state }: SessionsProps): boolean {
  const app = useApp();
  const is_plain = !state.filter && !state.running && !state.errors && !state.without_errors;
  if (!is_plain || !list.ready() || list.rows().length > 0) return false;
  const projects = app.projects();
  return projects !== null && projects.every((project) => project.session_count === 0);
}

function SessionTable(props: SessionsProps & { onChange: Change }): JSX.Element {
  const app = useApp();
  const list = () => props.list;
  const [life_width, setLifeWidth] = createSignal(0);
  let grid: GridHandle | undefined;
  let menu: ValueMenuHandle | undefined;
  let view: GridView | undefined;
  const active_index = createMemo(() => list().rows().findIndex((row) => row.id === list().selected_id()));
  const waiting = createDelayed(() => list().loading());

  const open = (row: Session | undefined) => {
    if (!row) return;
    list().select(row.id);
    app.router.navigate(openUrl(row));
  };
  const move = (by: number) => {
    const from = active_index() >= 0 ? active_index() : (view?.first ?? 0) - Math.max(by, 0);
    const index = Math.min(Math.max(from + by, 0), list().rows().length - 1);
    const row = list().rows()[index];
    if (!row) return;
    list().select(row.id);
    grid?.reveal(index);
  };
  const openMenu = (session: Session | undefined, at: DOMRect, group?: string) => {
    if (session) menu?.open(rowValues(session).filter((value) => !group || value.group === group), at);
  };
  const openRowMenu = () => {
    const index = active_index();
    const cell = document.querySelector(`#session-${index} [role=gridcell]`);
    if (cell) openMenu(list().rows()[index], cell.getBoundingClientRect());
  };
  const copyLink = async () =>
    app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => open(list().rows()[active_index()]),
    Escape: () => list().select(null),
    v: openRowMenu,
    y: () => void copyLink(),
  });

  const onView = (next: GridView) => {
    view = next;
    const rows = list().rows();
    list().setReading({
      at_top: next.at_top,
      visible_ids: rows.slice(next.first, next.last + 1).map((row) => row.id),
    });
    if (next.last >= rows.length - 30) list().loadMore();
  };
  const onRowClick = (index: number, event: MouseEvent) => {
    // The link in the row is followed by the router, or by the browser into a new tab.
    if ((event.target as Element).closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const value = (event.target as Element).closest("[data-values]");
    if (value instanceof HTMLElement) {
      list().select(list().rows()[index]?.id ?? null);
      return openMenu(list().rows()[index], value.getBoundingClientRect(), value.dataset["values"]);
    }
    if (getSelection()?.isCollapsed === false) return;
    open(list().rows()[index]);
  };
  // A new question starts at the top.
  createEffect(() => {
    list().rows();
    if (list().scroll_top.value === 0 && view && !view.at_top) grid?.toTop();
  });

  return (
    <div class="table-frame" classList={{ waiting: list().stale() && (waiting() || list().failure() !== null) }} aria-busy={list().loading()}>
      <Show when={list().held_count() > 0}>
        <button
          type="button"
          class="pill"
          onClick={() => {
            list().showHeld();
            grid?.toTop();
          }}
        >
          {countedText(list().held_count(), "new session")}
        </button>
      </Show>
      <VirtualGrid
        label="Sessions"
        name="session"
        count={list().rows().length}
        column_count={COLUMN_COUNT}
        active_index={active_index()}
        head={<SessionHead sort={props.state.sort} onSort={(sort) => props.onChange({ sort })} onLifeWidth={setLifeWidth} />}
        row={(index) => <Show when={list().rows()[index()]}>{(row) => <SessionRow session={row()} life_width={life_width()} />}</Show>}
        onRowClick={onRowClick}
        onView={onView}
        scroll_top={list().scroll_top}
        handle={(handle) => (grid = handle)}
      />
      <ValueMenu
        filter={props.state.filter}
        onFilter={(filter) => props.onChange({ filter })}
        onClosed={() => grid?.focus()}
        handle={(handle) => (menu = handle)}
      />
      <Show when={!list().ready() && waiting()}>
        <div class="skeleton-rows" aria-hidden="true" />
      </Show>
      <Show when={list().ready() && list().rows().length === 0 && !list().failure()}>
        <NoMatch state={props.state} onChange={props.onChange} />
      </Show>
    </div>
  );
}

function openUrl(row: Session): string {
  return sessionUrl({ id: row.id, tab: "events", text: "", severity: null, errors: false, event: null });
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
