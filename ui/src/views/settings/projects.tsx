// The projects that one may set up, and a new one.

import { createSignal, For, Show, type JSX } from "solid-js";
import { countedText } from "../../derive/number";
import { isServerAdmin, mayAdminister } from "../../derive/people/roles";
import { settingsUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createSubmission } from "../../state/reading/submission";
import { Form, TextField } from "../forms/form";
import { Panel } from "./panel";

export function Projects(): JSX.Element {
  const app = useApp();
  const [adding, setAdding] = createSignal(false);
  const mine = () => (app.projects() ?? []).filter(({ id }) => mayAdminister(app.me(), id));
  return (
    <Panel
      title="Projects"
      note="A project holds the sessions of one product. Tokens, roles and limits belong to it."
      action={
        <Show when={isServerAdmin(app.me()) && !adding()}>
          <button type="button" class="button" onClick={() => setAdding(true)}>New project</button>
        </Show>
      }
    >
      <Show when={adding()}><NewProject onClose={() => setAdding(false)} /></Show>
      <Show when={app.projects() !== null && mine().length === 0}><p class="quiet">There is none yet.</p></Show>
      <ul class="rows">
        <For each={mine()}>
          {(project) => (
            <li>
              <a class="row-link" href={settingsUrl({ section: "projects", id: project.id })}>
                <strong>{project.name}</strong>
                <span class="quiet mono">{project.id}</span>
                <span class="quiet row-end">{countedText(project.session_count, "session")}</span>
              </a>
            </li>
          )}
        </For>
      </ul>
    </Panel>
  );
}

function NewProject(props: { onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal("");
  const save = () =>
    submission.run(async () => {
      const made = await app.api.addProject({ name: name() });
      await app.reload();
      app.router.navigate(settingsUrl({ section: "projects", id: made.id }));
    }, "name");
  return (
    <Form
      label="New project"
      submission={submission}
      fields={["name"]}
      submit_label="Make the project"
      busy_label="Making it…"
      onSubmit={() => void save()}
      onCancel={props.onClose}
    >
      <TextField label="Name" hint="Its id, for addresses and scripts, is made from the name." error={submission.errorOf("name")} value={name()} onInput={setName} focus />
    </Form>
  );
}
