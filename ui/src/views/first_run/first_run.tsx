// Nothing has arrived yet: from the one-time link to the first session. One step at a time; the last one waits, and turns
// into the session the moment it arrives.

import { Match, Show, Switch, type JSX } from "solid-js";
import { mayAdminister } from "../../derive/people/roles";
import { useApp } from "../../state/app";
import { Connect } from "./connect";
import { PasswordStep, ProjectStep } from "./steps";

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
