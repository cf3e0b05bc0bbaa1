// What comes before the first event: a password, and a project.

import { createSignal, type JSX } from "solid-js";
import { useApp } from "../../state/app";
import { createSubmission } from "../../state/reading/submission";
import { Form, TextField } from "../forms/form";

export function PasswordStep(): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [password, setPassword] = createSignal("");
  const save = () =>
    submission.run(async () => {
      await app.api.setPassword(null, password());
      await app.reload();
      app.notify("Password set");
    }, "password");
  return (
    <section class="first-run-step" aria-labelledby="password-title">
      <h1 id="password-title">Choose a password</h1>
      <p class="quiet">
        The link that brought you here worked once. With a password you can sign in again, also from another browser; it can be set later in the settings.
      </p>
      <Form
        label="A password to sign in with"
        submission={submission}
        fields={["password"]}
        submit_label="Set the password"
        busy_label="Setting it…"
        onSubmit={() => void save()}
        onCancel={() => app.settings.password_step.set("skipped")}
        cancel_label="Skip for now"
      >
        <TextField label="Name" value={app.me()?.name ?? ""} onInput={() => undefined} autocomplete="username" read_only />
        <TextField
          label="Password"
          hint="At least 12 characters. A few words are better than a short word with signs."
          error={submission.errorOf("password")}
          type="password"
          autocomplete="new-password"
          value={password()}
          onInput={setPassword}
          focus
        />
      </Form>
    </section>
  );
}

export function ProjectStep(): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal("");
  const save = () =>
    submission.run(async () => {
      await app.api.addProject({ name: name() });
      await app.reload();
    }, "name");
  return (
    <section class="first-run-step" aria-labelledby="project-title">
      <h1 id="project-title">What shall be watched?</h1>
      <p class="quiet">A project holds the sessions of one product: its programs, pages and services. Members and tokens belong to it.</p>
      <Form
        label="New project"
        submission={submission}
        fields={["name"]}
        submit_label="Make the project"
        busy_label="Making it…"
        onSubmit={() => void save()}
      >
        <TextField label="Name" error={submission.errorOf("name")} value={name()} onInput={setName} placeholder="Shop" focus />
      </Form>
    </section>
  );
}
