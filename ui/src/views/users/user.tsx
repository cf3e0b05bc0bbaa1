// One user: who, figures, and their sessions.

import { createEffect, createMemo, createSignal, Show, type JSX } from "solid-js";
import type { Session, UserReport } from "../../api/types";
import { countText } from "../../derive/number";
import { userDetail, userFilter, userName } from "../../derive/people/users";
import { LIST_STATE_DEFAULT, listUrl, sessionUrl, usersUrl, userUrl, type UserPageState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createLoaded } from "../../state/reading/loaded";
import { createPaged } from "../../state/reading/paged";
import { createCoalesced, createDelayed } from "../../state/refresh";
import { Failure } from "../parts/failure";
import { VirtualGrid, type GridHandle, type GridView } from "../parts/virtual_grid";
import { COLUMN_COUNT, SessionHead, SessionRow } from "../sessions/session_row";
import { Seen } from "./user_row";

const PAGE_SIZE = 100;
const AHEAD = 30;
const REFRESH_GAP_MS = 1_500;

/** By `newest`. */
const sortOf = (newest: boolean) => (newest ? "-started" : "-errors");

export function UserView(props: { state: UserPageState; back_url: string }): JSX.Element {
  const app = useApp();
  const user = createLoaded(
    () => JSON.stringify([props.state.key, props.state.project]),
    (_, signal) => app.api.user(props.state.key, { project: props.state.project }, signal),
  );
  const newest = () => props.state.newest ?? false;
  const setNewest = (wanted: boolean) => {
    const { key, project } = props.state;
    app.router.navigate(userUrl(wanted ? { key, project, newest: true } : { key, project }), { replace: true });
  };
  const sessions = createPaged(
    () => JSON.stringify(props.state),
    (cursor, signal) => app.api.sessions({ project: props.state.project, filter: userFilter(props.state.key), sort: sortOf(newest()), limit: PAGE_SIZE, cursor }, signal),
  );
  const refresh = createCoalesced(user.reload, REFRESH_GAP_MS);
  app.onChanged((changed) => {
    if (changed !== null && props.state.project !== null && !changed.projects.includes(props.state.project)) return;
    refresh();
    sessions.refresh();
  });
  const name = () => (user.value() ? userName(user.value() as UserReport) : props.state.key);
  createEffect(() => {
    document.title = `${name()} · Kymo`;
  });
  return (
    <section class="user" aria-labelledby="user-title">
      <header class="user-header">
        <a class="back" href={props.back_url}>Users</a>
        <h1 id="user-title">{name()}</h1>
        <Show when={user.value() && userDetail(user.value() as UserReport)}>{(detail) => <span class="quiet user-id">{detail()}</span>}</Show>
      </header>
      <Show when={user.failure()}>
        {(failure) => (
          <Show
            when={failure().status === 404}
            fallback={<Failure what="The user could not be read." detail={failure().text} onRetry={() => void user.reload()} />}
          >
            <div class="message-panel"><p>No session that is kept names this user. <a href={usersUrl({ project: null, range: "all", filter: "" })}>Show all users</a></p></div>
          </Show>
        )}
      </Show>
      <Show when={user.value()}>{(value) => <Figures user={value()} />}</Show>
      <div class="user-sessions-bar">
        <h2>Sessions</h2>
        <div class="choice" role="group" aria-label="Order">
          <button type="button" aria-pressed={!newest()} onClick={() => setNewest(false)}>Errors first</button>
          <button type="button" aria-pressed={newest()} onClick={() => setNewest(true)}>Newest first</button>
        </div>
        <a href={listUrl({ ...LIST_STATE_DEFAULT, project: props.state.project, range: "all", filter: userFilter(props.state.key) })}>Open in Sessions</a>
      </div>
      <Show when={sessions.failure()}>{(failure) => <Failure what="The sessions could not be read." detail={failure().text} onRetry={sessions.retry} />}</Show>
      <UserSessions sessions={sessions} back_url={props.back_url} />
    </section>
  );
}

function Figures(props: { user: UserReport }): JSX.Element {
  const figure = (value: JSX.Element, label: string) => (
    <div class="tile"><span class="tile-figure">{value}</span><span class="tile-label">{label}</span></div>
  );
  return (
    <div class="tiles" role="group" aria-label="Figures of the user" tabindex="0">
      {figure(countText(props.user.session_count), props.user.session_count === 1 ? "session" : "sessions")}
      {figure(countText(props.user.running_count), "running")}
      {figure(countText(props.user.sessions_with_errors), "with errors")}
      {figure(countText(props.user.error_count), props.user.error_count === 1 ? "error" : "errors")}
      {figure(countText(props.user.event_count), props.user.event_count === 1 ? "event" : "events")}
      {figure(<Seen at={props.user.last_seen_at} />, "last seen")}
      {figure(<Seen at={props.user.first_seen_at} />, "first seen")}
      {figure([props.user.application, props.user.version].filter(Boolean).join(" ") || "–", "last application")}
    </div>
  );
}

function UserSessions(props: { sessions: ReturnType<typeof createPaged<Session>>; back_url: string }): JSX.Element {
  const app = useApp();
  const [life_width, setLifeWidth] = createSignal(0);
  const [selected, setSelected] = createSignal<string | null>(null);
  let grid: GridHandle | undefined;
  const rows = () => props.sessions.items();
  const active_index = createMemo(() => rows().findIndex(({ id }) => id === selected()));
  const waiting = createDelayed(() => props.sessions.loading());
  const open = (session: Session | undefined) => {
    if (session) app.router.navigate(sessionUrl({ id: session.id }));
  };
  const move = (by: number) => {
    const index = Math.min(Math.max(active_index() + by, 0), rows().length - 1);
    const session = rows()[index];
    if (!session) return;
    setSelected(session.id);
    grid?.reveal(index);
  };
  const copyLink = async () => app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  app.keys.bind({
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    Enter: () => open(rows()[active_index()]),
    Escape: () => app.router.back(props.back_url),
    y: () => void copyLink(),
  });
  const onView = (view: GridView) => {
    props.sessions.setAtTop(view.at_top);
    if (view.last >= rows().length - AHEAD) props.sessions.loadMore();
  };
  const onRowClick = (index: number, event: MouseEvent) => {
    if ((event.target as Element).closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (getSelection()?.isCollapsed === false) return;
    open(rows()[index]);
  };
  return (
    <div class="table-frame" classList={{ waiting: props.sessions.stale() && waiting() }} aria-busy={props.sessions.loading()}>
      <VirtualGrid
        label="Sessions of the user"
        name="session"
        count={rows().length}
        column_count={COLUMN_COUNT}
        active_index={active_index()}
        head={<SessionHead onLifeWidth={setLifeWidth} />}
        row={(index) => <Show when={rows()[index()]}>{(session) => <SessionRow session={session()} life_width={life_width()} />}</Show>}
        onRowClick={onRowClick}
        onView={onView}
        handle={(handle) => (grid = handle)}
      />
      <Show when={!props.sessions.ready() && waiting()}><div class="skeleton-rows" aria-hidden="true" /></Show>
    </div>
  );
}
