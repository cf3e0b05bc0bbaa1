// The frame: one column of navigation, and beside it the place one is at.

import { createSignal, For, Show, type JSX } from "solid-js";
import { listUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { Setting, Theme } from "../../state/settings";
import type { Zone } from "../../derive/time";
import { failureText } from "../../api/client";
import { Mark } from "../parts/mark";

export function Shell(props: { list: ListState; children: JSX.Element }): JSX.Element {
  const app = useApp();
  const in_list = () => app.router.place().view === "sessions";
  /** On a narrow screen the foot of the column is a panel to open. */
  const [more, setMore] = createSignal(false);
  app.keys.bind({ "g s": () => app.router.navigate(listUrl(props.list)) });
  return (
    <div class="shell">
      <header class="nav">
        <a class="brand" href="/" aria-label="Kymo, all sessions">
          <Mark />
          <span>Kymo</span>
        </a>
        <ProjectSwitcher list={props.list} />
        <nav aria-label="Places">
          <a class="nav-link" href={listUrl(props.list)} aria-current={in_list() ? "page" : undefined}>
            Sessions
          </a>
        </nav>
        <button
          type="button"
          class="button small nav-more"
          aria-expanded={more()}
          aria-controls="nav-foot"
          onClick={() => setMore(!more())}
        >
          Settings
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

function ProjectSwitcher(props: { list: ListState }): JSX.Element {
  const app = useApp();
  const projects = () => app.projects() ?? [];
  const choose = (id: string) => app.router.navigate(listUrl({ ...props.list, project: id || null }));
  return (
    <div class="project">
      <Show when={projects().length > 1} fallback={<span class="project-name">{projects()[0]?.name ?? ""}</span>}>
        <select aria-label="Project" onChange={(event) => choose(event.currentTarget.value)}>
          <option value="" selected={props.list.project === null}>All projects</option>
          <For each={projects()}>
            {(project) => (
              <option value={project.id} selected={props.list.project === project.id}>{project.name}</option>
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

function Choice<Value extends string>(props: {
  label: string;
  setting: Setting<Value>;
  options: { value: Value; label: string }[];
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      <For each={props.options}>
        {(option) => (
          <button
            type="button"
            aria-pressed={props.setting.value() === option.value}
            onClick={() => props.setting.set(option.value)}
          >
            {option.label}
          </button>
        )}
      </For>
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
