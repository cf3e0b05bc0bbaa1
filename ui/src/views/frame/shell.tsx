// The frame: one column of navigation, and beside it the place one is at.

import { createSignal, For, Show, type JSX } from "solid-js";
import { listUrl, liveUrl, usersUrl, type ListState, type LiveState, type UsersState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { Theme } from "../../state/settings";
import type { Zone } from "../../derive/time";
import { failureText } from "../../api/client";
import { firstSettingsUrl } from "../../derive/people/sections";
import { Choice } from "../parts/choice";
import { Mark } from "../parts/mark";

interface PlaceStates {
  list: ListState;
  live: LiveState;
  users: UsersState;
}

export function Shell(props: PlaceStates & { children: JSX.Element }): JSX.Element {
  const app = useApp();
  const in_list = () => app.router.place().view === "sessions";
  /** On a narrow screen the foot of the column is a panel to open. */
  const [more, setMore] = createSignal(false);
  const view = () => app.router.place().view;
  const settings_url = () => firstSettingsUrl(app.me());
  app.keys.bind({
    "g s": () => app.router.navigate(listUrl(props.list)),
    "g l": () => app.router.navigate(liveUrl(props.live)),
    "g u": () => app.router.navigate(usersUrl(props.users)),
    "g ,": () => app.router.navigate(settings_url()),
  });
  return (
    <div class="shell">
      <header class="nav">
        <a class="brand" href="/" aria-label="Kymo, all sessions">
          <Mark />
          <span>Kymo</span>
        </a>
        <ProjectSwitcher list={props.list} live={props.live} users={props.users} />
        <nav aria-label="Places">
          <a class="nav-link" href={listUrl(props.list)} aria-current={in_list() ? "page" : undefined}>
            Sessions
          </a>
          <a class="nav-link" href={liveUrl(props.live)} aria-current={view() === "live" ? "page" : undefined}>
            Live
          </a>
          <a class="nav-link" href={usersUrl(props.users)} aria-current={view() === "users" || view() === "user" ? "page" : undefined}>
            Users
          </a>
          <a class="nav-link" href={settings_url()} aria-current={view() === "settings" ? "page" : undefined}>
            Settings
          </a>
        </nav>
        <button
          type="button"
          class="button small nav-more"
          aria-expanded={more()}
          aria-controls="nav-foot"
          onClick={() => setMore(!more())}
        >
          More
        </button>
        <div class="nav-foot" classList={{ open: more() }} id="nav-foot">
          <StreamState />
          <Choice<Zone>
            label="Times in"
            setting={app.settings.zone}
            options={[{ value: "local", label: "Local" }, { value: "utc", label: "UTC" }]}
          />
          <Choice<Theme>
            label="Theme"
            setting={app.settings.theme}
            options={[{ value: "auto", label: "Auto" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }]}
          />
          <Account />
        </div>
      </header>
      <main class="place">{props.children}</main>
    </div>
  );
}

function ProjectSwitcher(props: PlaceStates): JSX.Element {
  const app = useApp();
  const projects = () => app.projects() ?? [];
  /** Elsewhere one chooses whose sessions are listed. */
  const of = () => {
    const { view } = app.router.place();
    return view === "users" || view === "live" ? view : "list";
  };
  const chosen = () => props[of()].project;
  const choose = (id: string) => {
    const project = id || null;
    const urls = { list: () => listUrl({ ...props.list, project }), live: () => liveUrl({ ...props.live, project }), users: () => usersUrl({ ...props.users, project }) };
    app.router.navigate(urls[of()]());
  };
  return (
    <div class="project">
      <Show when={projects().length > 1} fallback={<span class="project-name">{projects()[0]?.name ?? ""}</span>}>
        <select aria-label="Project" onChange={(event) => choose(event.currentTarget.value)}>
          <option value="" selected={chosen() === null}>All projects</option>
          <For each={projects()}>
            {(project) => (
              <option value={project.id} selected={chosen() === project.id}>{project.name}</option>
            )}
          </For>
        </select>
      </Show>
    </div>
  );
}

function StreamState(): JSX.Element {
  const app = useApp();
  return (
    <div class="stream-state" role="status">
      {app.stream_state() === "reconnecting" ? "reconnecting…" : ""}
    </div>
  );
}

function Account(): JSX.Element {
  const app = useApp();
  const signOut = () => app.signOut().catch((cause: unknown) => app.notify(failureText(cause)));
  return (
    <div class="account">
      <span class="account-name" title={app.me() ? `Kymo ${app.me()?.server_version}` : undefined}>{app.me()?.name}</span>
      <button type="button" class="link-button" onClick={() => void signOut()}>Sign out</button>
    </div>
  );
}
