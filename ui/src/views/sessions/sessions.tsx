// Home: the list of sessions with its tiles and filters.

import { createEffect, createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { countedText } from "../../derive/number";
import { LIST_STATE_DEFAULT, listUrl, RANGES, sessionUrl, type ListState, type Range } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createDelayed } from "../../state/refresh";
import type { SessionList } from "../../state/session_list";
import { Failure } from "../parts/failure";
import { FilterBox } from "../parts/filter_box";
import { FirstRun } from "./first_run";
import { SessionHead, SessionRow } from "./session_row";
import { Tiles } from "./tiles";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";

export interface SessionsProps {
  list: SessionList;
  state: ListState;
}

export function SessionsView(props: SessionsProps): JSX.Element {
  const app = useApp();
  const change = (part: Partial<ListState>, replace = false) =>
    app.router.navigate(listUrl({ ...props.state, ...part }), { replace });
  const first_run = createMemo(() => isFirstRun(props));
  return (
    <Show when={!first_run()} fallback={<FirstRun />}>
      <section class="sessions" aria-labelledby="sessions-title">
        <div class="toolbar">
          <h1 id="sessions-title">Sessions</h1>
          <FilterBox
            label="Filter"
            placeholder={'user:ann error:true "exact words"'}
            value={props.state.filter}
            onChange={(filter) => change({ filter }, true)}
          />
          <select
            aria-label="Range"
            onChange={(event) => change({ range: event.currentTarget.value as Range })}
          >
            <For each={RANGES}>
              {({ range, label }) => <option value={range} selected={props.state.range === range}>{label}</option>}
            </For>
          </select>
        </div>
        <Tiles summary={props.list.summary()} state={props.state} onChange={change} />
        <Show when={props.list.failure()}>
          {(detail) => <Failure what={whatFailed(detail())} detail={detail()} onRetry={props.list.retry} />}
        </Show>
        <SessionTable {...props} onChange={change} />
      </section>
    </Show>
  );
}

/** A request that is wrong is so because of the filter: all else of it is chosen, not written. */
function whatFailed(detail: string): string {
  return detail.endsWith("(400)") ? "The filter is not understood." : "The sessions could not be read.";
}

/** Nothing has ever arrived, as opposed to nothing that matches. */
function isFirstRun({ list, state }: SessionsProps): boolean {
  const app = useApp();
  const is_plain = !state.filter && !state.running && !state.errors;
  if (!is_plain || !list.ready() || list.rows().length > 0) return false;
  const projects = app.projects();
  return projects !== null && projects.every((project) => project.session_count === 0);
}

function SessionTable(props: SessionsProps & { onChange: (part: Partial<ListState>) => void }): JSX.Element {
  const app = useApp();
  const list = () => props.list;
  const [life_width, setLifeWidth] = createSignal(0);
  let grid: GridHandle | undefined;
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
  const copyLink = async () =>
    app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => open(list().rows()[active_index()]),
    Escape: () => list().select(null),
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
        column_count={8}
        active_index={active_index()}
        head={<SessionHead onLifeWidth={setLifeWidth} />}
        row={(index) => <Show when={list().rows()[index()]}>{(row) => <SessionRow session={row()} life_width={life_width()} />}</Show>}
        onRowClick={onRowClick}
        onView={onView}
        scroll_top={list().scroll_top}
        handle={(handle) => (grid = handle)}
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
  return sessionUrl({ id: row.id });
}

function NoMatch(props: { state: ListState; onChange: (part: Partial<ListState>) => void }): JSX.Element {
  const is_filtered = () => props.state.filter !== "" || props.state.running || props.state.errors;
  const range_label = () => RANGES.find(({ range }) => range === props.state.range)?.label.toLowerCase() ?? "";
  const { filter, running, errors } = LIST_STATE_DEFAULT;
  return (
    <div class="no-match">
      <p>{is_filtered() ? "No session matches" : "No session was active"}{props.state.range === "all" ? "" : ` in the ${range_label()}`}.</p>
      <div class="actions">
        <Show when={is_filtered()}>
          <button type="button" class="button" onClick={() => props.onChange({ filter, running, errors })}>Clear the filters</button>
        </Show>
        <Show when={props.state.range !== "all"}>
          <button type="button" class="button" onClick={() => props.onChange({ range: "all" })}>Look at all time</button>
        </Show>
      </div>
    </div>
  );
}
