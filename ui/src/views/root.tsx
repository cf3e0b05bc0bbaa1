// Makes the app and chooses between the page and the way in.

import { createEffect, createMemo, ErrorBoundary, Match, Show, Switch, type JSX } from "solid-js";
import { render } from "solid-js/web";
import { failureText, type Asked } from "../api/client";
import {
  LIST_STATE_DEFAULT, listUrl, parsePlace, SESSION_STATE_DEFAULT, usersUrl,
  type ListState, type LiveState, type SessionPageState, type SettingsState, type UserPageState, type UsersState,
} from "../derive/url_state";
import { AppContext, createApp, useApp } from "../state/app";
import { createSessionList } from "../state/session_list";
import { createPainted } from "../state/refresh";
import { EventView, fetchLateViews, fetchPlace, LiveView, SessionView, SettingsView, UserView, UsersView } from "./late_views";
import { Failure } from "./parts/failure";
import { Help } from "./frame/help";
import { NotFound } from "./frame/not_found";
import { SessionsView } from "./sessions/sessions";
import { Shell } from "./frame/shell";
import { SignIn } from "./frame/sign_in";

/** Draws the page. `asked`: what the start has asked already. */
export function start(root: HTMLElement, asked: Asked): void {
  fetchPlace(parsePlace(location.pathname, location.search));
  render(() => <Root asked={asked} />, root);
}

function Root(props: { asked: Asked }): JSX.Element {
  const app = createApp(props.asked);
  return (
    <AppContext.Provider value={app}>
      <Show when={!app.signed_out()} fallback={<SignIn />}>
        <Places />
      </Show>
      <div class="notice" role="status" aria-live="polite" classList={{ shown: app.notice() !== "" }}>
        {app.notice()}
      </div>
    </AppContext.Provider>
  );
}

function Places(): JSX.Element {
  const app = useApp();
  const place = app.router.place;
  const in_list = () => place().view === "sessions";
  // The list outlives its place, so that going back shows it as it was left.
  const list_state = createMemo<ListState>((last) => {
    const now = place();
    return now.view === "sessions" ? now.list : last;
  }, LIST_STATE_DEFAULT);
  const list = createSessionList(app, list_state, in_list);
  const is_home_painted = createPainted(() => in_list() && (list.ready() || list.failure() !== null));
  createEffect(() => {
    if (is_home_painted() || !in_list()) whenIdle(() => void fetchLateViews());
  });
  const session_state = createMemo<SessionPageState | null>(() => {
    const now = place();
    return now.view === "session" ? now.session : null;
  });
  /** Undefined for the moment in which the place has changed and the view is not gone yet. */
  const session_id = () => session_state()?.id;
  const event_id = () => {
    const now = place();
    return now.view === "event" ? now.event.id : undefined;
  };

  // So do the users, but for what was read: their filter holds while one looks at one of them.
  const users_state = createMemo<UsersState>((last) => {
    const now = place();
    return now.view === "users" ? now.users : last;
  }, { project: LIST_STATE_DEFAULT.project, range: LIST_STATE_DEFAULT.range, filter: "" });
  const live_state = createMemo<LiveState>((last) => {
    const now = place();
    return now.view === "live" ? now.live : last;
  }, { project: LIST_STATE_DEFAULT.project, filter: "" });
  const user_state = createMemo<UserPageState | null>(() => {
    const now = place();
    return now.view === "user" ? now.user : null;
  });
  const settings_state = createMemo<SettingsState | null>(() => {
    const now = place();
    return now.view === "settings" ? now.settings : null;
  });

  createEffect(() => {
    if (place().view === "live") document.title = "Live · Kymo";
    if (place().view === "users") document.title = "Users · Kymo";
    if (in_list()) document.title = "Sessions · Kymo";
  });

  return (
    <Shell list={list_state()} live={live_state()} users={users_state()}>
      <ErrorBoundary fallback={(cause, reset) => <Failure what="This view could not be drawn." detail={failureText(cause)} onRetry={reset} />}>
        <Switch fallback={<NotFound />}>
          <Match when={in_list()}>
            <SessionsView list={list} state={list_state()} />
          </Match>
          <Match when={place().view === "live"}>
            <LiveView state={live_state()} />
          </Match>
          <Match when={place().view === "users"}>
            <UsersView state={users_state()} />
          </Match>
          <Match when={user_state()?.key} keyed>
            {(key) => <UserView state={user_state() ?? { key, project: null }} back_url={usersUrl(users_state())} />}
          </Match>
          <Match when={settings_state()}>{(state) => <SettingsView state={state()} />}</Match>
          <Match when={session_id()} keyed>
            {(id) => <SessionView state={session_state() ?? { ...SESSION_STATE_DEFAULT, id }} list_state={list_state()} />}
          </Match>
          <Match when={event_id()} keyed>{(id) => <EventView id={id} list_url={listUrl(list_state())} />}</Match>
        </Switch>
      </ErrorBoundary>
      <Help />
    </Shell>
  );
}

const IDLE_MS_MAX = 3_000;

function whenIdle(work: () => void): void {
  // Safari has no idle callback.
  if ("requestIdleCallback" in window) window.requestIdleCallback(work, { timeout: IDLE_MS_MAX });
  else setTimeout(work, IDLE_MS_MAX);
}
