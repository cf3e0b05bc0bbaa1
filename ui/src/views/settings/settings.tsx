// The settings: which pages there are for whom, and the one that is open.

import { createEffect, For, Match, Show, Switch, type JSX } from "solid-js";
import type { Me } from "../../api/types";
import { SECTIONS, type Section } from "../../derive/people/sections";
import { settingsUrl, type SettingsState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createDelayed } from "../../state/refresh";
import { NotFound } from "../frame/not_found";
import { Failure } from "../parts/failure";
import { About } from "./about";
import { Account } from "./account";
import { Audit } from "./audit";
import { MemberPage } from "./member";
import { Members } from "./members";
import { ProjectPage } from "./project";
import { Projects } from "./projects";

const UNKNOWN_AFTER_MS = 1_000;

export function SettingsView(props: { state: SettingsState }): JSX.Element {
  const app = useApp();
  const current = () => SECTIONS.find(({ section }) => section === props.state.section);
  const allowed = () => {
    const me = app.me();
    return me !== null && (current()?.may(me) ?? false);
  };
  /** Who one is comes with the page; where it does not, something is wrong. */
  const unknown = createDelayed(() => app.me() === null, UNKNOWN_AFTER_MS);
  createEffect(() => {
    document.title = `${current()?.label ?? "Settings"} · Kymo`;
  });
  return (
    <div class="settings">
      <nav class="settings-nav" aria-label="Settings">
        <h1>Settings</h1>
        <For each={SECTIONS.filter(({ may }) => app.me() !== null && may(app.me() as Me))}>
          {({ section, label }) => (
            <a class="nav-link" href={settingsUrl({ section, id: null })} aria-current={section === props.state.section ? "page" : undefined}>
              {label}
            </a>
          )}
        </For>
      </nav>
      <div class="settings-page" tabindex="-1">
        <Show when={unknown()}>
          <Failure what="It could not be read who you are." detail="Is the server running, and is the network up?" onRetry={() => void app.reload().catch(() => undefined)} />
        </Show>
        <Show when={app.me()}>
          {(me) => (
            <Show when={current()} fallback={<NotFound />}>
              {(section) => (
                <Show when={allowed()} fallback={<Refused section={section()} me={me()} />}>
                  <Page state={props.state} />
                </Show>
              )}
            </Show>
          )}
        </Show>
      </div>
    </div>
  );
}

function Page(props: { state: SettingsState }): JSX.Element {
  const is = (section: string) => props.state.section === section;
  return (
    <Switch>
      <Match when={is("projects") && props.state.id} keyed>{(id) => <ProjectPage id={id} />}</Match>
      <Match when={is("projects")}><Projects /></Match>
      <Match when={is("members") && props.state.id} keyed>{(name) => <MemberPage name={name} />}</Match>
      <Match when={is("members")}><Members /></Match>
      <Match when={is("account")}><Account /></Match>
      <Match when={is("audit")}><Audit project={props.state.id} /></Match>
      <Match when={is("about")}><About /></Match>
    </Switch>
  );
}

function Refused(props: { section: Section; me: Me }): JSX.Element {
  return (
    <section class="message-panel">
      <h1>{props.section.label} are for {props.section.who}</h1>
      <p>You are signed in as {props.me.name}, whose highest role is {props.me.role}. An admin can give you another one.</p>
    </section>
  );
}
