// The users of the sessions that match: who, since when, how often, and with how many errors.

import { createMemo, createSignal, Show, type JSX } from "solid-js";
import type { UserReport } from "../../api/types";
import { absoluteEnds, RANGE_DEFAULT, rangePhrase } from "../../derive/list/range";
import { rangeFrom, rangeTo, userUrl, usersUrl, type Range, type UsersState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createPaged } from "../../state/reading/paged";
import { createDelayed } from "../../state/refresh";
import { FilterBar } from "../filter/filter_bar";
import { Failure } from "../parts/failure";
import { RangeMenu } from "../sessions/range_menu";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { USER_COLUMN_COUNT, UserHead, UserRow } from "./user_row";

const PAGE_SIZE = 100;
/** So many rows before the end the next page is read. */
const AHEAD = 30;

export function UsersView(props: { state: UsersState }): JSX.Element {
  const app = useApp();
  const change = (part: Partial<UsersState>, replace = false) => app.router.navigate(usersUrl({ ...props.state, ...part }), { replace });
  const ends = () => ({ from: rangeFrom(props.state.range, Date.now()), to: rangeTo(props.state.range) });
  /** From two moments one goes back to what was chosen before. */
  const back_to = createMemo<Range>((last) => (absoluteEnds(props.state.range) ? last : props.state.range), RANGE_DEFAULT);
  const users = createPaged(
    () => JSON.stringify(props.state),
    (cursor, signal) => {
      const { project, filter } = props.state;
      return app.api.users({ project, filter: filter || null, ...ends(), limit: PAGE_SIZE, cursor }, signal);
    },
  );
  app.onChanged((changed) => {
    if (changed === null || props.state.project === null || changed.projects.includes(props.state.project)) users.refresh();
  });
  return (
    <section class="users" aria-labelledby="users-title">
      <div class="toolbar">
        <h1 id="users-title">Users</h1>
        <FilterBar
          placeholder="user:ann version:2.* error:true"
          value={props.state.filter}
          fault={users.failure()?.fault ?? null}
          scope={() => ({ project: props.state.project, ...ends() })}
          onChange={(filter) => change({ filter }, true)}
        />
        <RangeMenu range={props.state.range} back_to={back_to()} onChange={(range) => change({ range })} />
      </div>
      <Show when={users.failure()?.fault ? null : users.failure()}>
        {(failure) => <Failure what="The users could not be read." detail={failure().text} onRetry={users.retry} />}
      </Show>
      <UserTable state={props.state} users={users} onChange={change} />
    </section>
  );
}

function UserTable(props: {
  state: UsersState;
  users: ReturnType<typeof createPaged<UserReport>>;
  onChange: (part: Partial<UsersState>) => void;
}): JSX.Element {
  const app = useApp();
  const [selected, setSelected] = createSignal<string | null>(null);
  let grid: GridHandle | undefined;
  const rows = () => props.users.items();
  const active_index = createMemo(() => rows().findIndex(({ key }) => key === selected()));
  const waiting = createDelayed(() => props.users.loading());
  const open = (user: UserReport | undefined) => {
    if (user) app.router.navigate(userUrl({ key: user.key, project: props.state.project }));
  };
  const move = (by: number) => {
    const index = Math.min(Math.max(active_index() + by, 0), rows().length - 1);
    const user = rows()[index];
    if (!user) return;
    setSelected(user.key);
    grid?.reveal(index);
  };
  const copyLink = async () => app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => open(rows()[active_index()]),
    Escape: () => setSelected(null),
    y: () => void copyLink(),
  });
  const onView = (view: GridView) => {
    props.users.setAtTop(view.at_top);
    if (view.last >= rows().length - AHEAD) props.users.loadMore();
  };
  const onRowClick = (index: number, event: MouseEvent) => {
    if ((event.target as Element).closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (getSelection()?.isCollapsed === false) return;
    open(rows()[index]);
  };
  return (
    <div class="table-frame" classList={{ waiting: props.users.stale() && (waiting() || props.users.failure() !== null) }} aria-busy={props.users.loading()}>
      <VirtualGrid
        label="Users"
        name="user"
        count={rows().length}
        column_count={USER_COLUMN_COUNT}
        active_index={active_index()}
        head={<UserHead />}
        row={(index) => <Show when={rows()[index()]}>{(user) => <UserRow user={user()} project={props.state.project} />}</Show>}
        onRowClick={onRowClick}
        onView={onView}
        handle={(handle) => (grid = handle)}
      />
      <Show when={!props.users.ready() && waiting()}><div class="skeleton-rows" aria-hidden="true" /></Show>
      <Show when={props.users.ready() && rows().length === 0 && !props.users.failure()}><NoUser state={props.state} onChange={props.onChange} /></Show>
    </div>
  );
}

function NoUser(props: { state: UsersState; onChange: (part: Partial<UsersState>) => void }): JSX.Element {
  const app = useApp();
  return (
    <div class="no-match">
      <p>{props.state.filter ? "No user matches" : "No user was seen"}{rangePhrase(props.state.range, app.settings.zone.value())}.</p>
      <p>Users are whom the clients name: <span class="mono">setUserIdentity</span> with Exceptionless.</p>
      <div class="actions">
        <Show when={props.state.filter !== ""}><button type="button" class="button" onClick={() => props.onChange({ filter: "" })}>Clear the filter</button></Show>
        <Show when={props.state.range !== "all"}><button type="button" class="button" onClick={() => props.onChange({ range: "all" })}>Look at all time</button></Show>
      </div>
    </div>
  );
}
