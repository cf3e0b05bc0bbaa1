// Nothing has arrived yet: from the one-time link to the first session. One step at a time; the last one waits, and turns
// into the session the moment it arrives.

import { createEffect, createMemo, Match, Show, Switch, type Accessor, type JSX } from "solid-js";
import type { Session } from "../../api/types";
import { mayAdminister } from "../../derive/people/roles";
import { sessionUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { SessionList } from "../../state/session_list";
import { Connect } from "./connect";
import { PasswordStep, ProjectStep } from "./steps";

/** Nothing has ever arrived, as opposed to nothing that matches. When something does, its session is opened. */
export function createFirstRun(props: { list: SessionList; state: ListState }): Accessor<boolean> {
  const app = useApp();
  const is_first_run = createMemo(() => {
    const { list, state } = props;
    const is_plain = !state.filter && !state.running && !state.errors && !state.without_errors;
    if (!is_plain || !list.ready() || list.stale() || list.rows().length > 0) return false;
    const projects = app.projects()?.filter((project) => state.project === null || project.id === state.project);
    return projects !== undefined && projects.every((project) => project.session_count === 0);
  });
  createEffect((was_first_run: boolean) => {
    const first = props.list.rows()[0];
    if (was_first_run && !is_first_run() && first && !props.list.stale()) app.router.navigate(openUrl(first));
    return is_first_run();
  }, false);
  return is_first_run;
}

function openUrl({ id }: Session): string {
  return sessionUrl({ id });
}

export function FirstRun(props: { project: string | null }): JSX.Element {
  const app = useApp();
  const projects = () => app.projects() ?? [];
  const project = () => projects().find(({ id }) => id === props.project) ?? projects()[0];
  const asks_password = () => app.me()?.has_password === false && app.settings.password_step.value() === "ask";
  return (
    <div class="first-run">
      <Switch>
        <Match when={app.me() === null}>{null}</Match>
        <Match when={asks_password()}><PasswordStep /></Match>
        <Match when={project()}>{(waiting_for) => <Waiting id={waiting_for().id} name={waiting_for().name} />}</Match>
        <Match when={app.me()?.is_server_admin}><ProjectStep /></Match>
        <Match when={true}><NoProject /></Match>
      </Switch>
    </div>
  );
}

function Waiting(props: { id: string; name: string }): JSX.Element {
  const app = useApp();
  return (
    <section aria-labelledby="first-run-title">
      <h1 id="first-run-title">Waiting for your first session</h1>
      <p class="quiet" role="status">This page turns into the session the moment something arrives for <strong>{props.name}</strong>.</p>
      <div class="waiting-line" aria-hidden="true"><span /></div>
      <Show
        when={mayAdminister(app.me(), props.id)}
        fallback={<p class="first-run-note">An admin of the project makes a token and puts it into the program. There is nothing for you to do.</p>}
      >
        <h2>What sends it?</h2>
        <Connect project={props.id} />
      </Show>
    </section>
  );
}

function NoProject(): JSX.Element {
  return (
    <section aria-labelledby="no-project-title">
      <h1 id="no-project-title">There is no project for you yet</h1>
      <p class="quiet">An admin of the server makes projects and gives you a role in one. This page shows it as soon as that has happened.</p>
    </section>
  );
}
