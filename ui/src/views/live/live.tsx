// The sessions that run now. A row leads to its session, which is followed there.

import { createEffect, createMemo, createSignal, on, Show, type JSX } from "solid-js";
import type { LiveSession } from "../../api/types";
import { runningText } from "../../derive/live/live_texts";
import { liveUrl, sessionUrl, type LiveState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createLiveSessions, type LiveSessions } from "../../state/live/live_sessions";
import { createDelayed } from "../../state/refresh";
import { FilterBar } from "../filter/filter_bar";
import { Failure } from "../parts/failure";
import { ROW_HEIGHT, VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { LiveOff, NothingRuns } from "./live_off";
import { LIVE_COLUMN_COUNT, LiveHead, LiveRow } from "./live_row";

export function LiveView(props: { state: LiveState }): JSX.Element {
  const app = useApp();
  const change = (part: Partial<LiveState>, replace = false) => app.router.navigate(liveUrl({ ...props.state, ...part }), { replace });
  const live = createLiveSessions(app, () => props.state);
  const is_off = () => live.switched()?.enabled === false;
  return (
    <section class="live" aria-labelledby="live-title">
      <div class="toolbar">
        <h1 id="live-title">Live</h1>
        <FilterBar
          placeholder="user:ann version:2.* host:till-7"
          value={props.state.filter}
          fault={live.failure()?.fault ?? null}
          scope={() => ({ project: props.state.project })}
          onChange={(filter) => change({ filter }, true)}
        />
        <span class="live-total quiet" role="status">
          <Show when={live.ready() && live.items().length > 0}>{runningText(live.items().length, live.total())}</Show>
        </span>
      </div>
      <Show when={live.failure()?.fault ? null : live.failure()}>
        {(failure) => <Failure what="What runs now could not be read." detail={failure().text} onRetry={live.retry} />}
      </Show>
      <Show when={is_off() && live.items().length > 0}><LiveOff state={props.state} /></Show>
      <LiveTable state={props.state} live={live} is_off={is_off()} onChange={change} />
    </section>
  );
}

interface LiveTableProps {
  state: LiveState;
  live: LiveSessions;
  is_off: boolean;
  onChange: (part: Partial<LiveState>) => void;
}

function LiveTable(props: LiveTableProps): JSX.Element {
  const { live } = props;
  const acts = createRowActs(live);
  const waiting = createDelayed(() => !live.ready() && live.failure() === null);
  return (
    <div class="table-frame" classList={{ waiting: live.stale() || (live.ready() && live.failure() !== null) }} aria-busy={!live.ready()}>
      <VirtualGrid
        label="Sessions that run"
        name="live"
        count={live.items().length}
        column_count={LIVE_COLUMN_COUNT}
        active_index={acts.active_index()}
        head={<LiveHead />}
        row={(index) => <Show when={live.items()[index()]}>{(session) => <LiveRow session={session()} rates={live.rates(session().id)} />}</Show>}
        onRowClick={acts.onRowClick}
        onView={acts.onView}
        handle={acts.setGrid}
      />
      <Show when={waiting()}><div class="skeleton-rows" aria-hidden="true" /></Show>
      <Show when={live.ready() && live.items().length === 0 && !live.failure()}>
        <NothingRuns state={props.state} is_off={props.is_off} onClearFilter={() => props.onChange({ filter: "" })} />
      </Show>
    </div>
  );
}

interface RowActs {
  active_index: () => number;
  onView(view: GridView): void;
  onRowClick(index: number, event: MouseEvent): void;
  setGrid(grid: GridHandle): void;
}

/** What is done with rows, by click and by key. Which one is chosen and what is in sight stays when others come and go above. */
function createRowActs(live: LiveSessions): RowActs {
  const app = useApp();
  const [selected, setSelected] = createSignal<string | null>(null);
  const active_index = createMemo(() => live.items().findIndex(({ id }) => id === selected()));
  let grid: GridHandle | undefined;
  let view: GridView | undefined;
  const open = (session: LiveSession | undefined) => {
    if (session) app.router.navigate(sessionUrl({ id: session.id, follow: true }));
  };
  const move = (by: number) => {
    const from = active_index() >= 0 ? active_index() : (view?.first ?? 0) - Math.max(by, 0);
    const index = Math.min(Math.max(from + by, 0), live.items().length - 1);
    const session = live.items()[index];
    if (!session) return;
    setSelected(session.id);
    grid?.reveal(index);
  };
  const copyLink = async () => app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Home: () => grid?.toTop(),
    Enter: () => open(live.items()[active_index()]),
    Escape: () => setSelected(null),
    y: () => void copyLink(),
  });
  createEffect(on(live.items, (now, before) => {
    const anchor = view && !view.at_top ? before?.[view.first] : undefined;
    const index = anchor ? now.findIndex(({ id }) => id === anchor.id) : -1;
    if (view && index >= 0 && index !== view.first) grid?.to(view.top + (index - view.first) * ROW_HEIGHT);
  }));
  return {
    active_index,
    onView: (next) => void (view = next),
    onRowClick(index, event) {
      if ((event.target as Element).closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (getSelection()?.isCollapsed === false) return;
      open(live.items()[index]);
    },
    setGrid: (handle) => (grid = handle),
  };
}
