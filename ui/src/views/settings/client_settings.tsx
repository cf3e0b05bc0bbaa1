// What the clients of a project fetch: names and values, one at a time.

import { createSignal, createUniqueId, For, Show, type JSX } from "solid-js";
import { CLIENT_SETTINGS } from "../../derive/people/settings_text";
import { useApp } from "../../state/app";
import { createSubmission } from "../../state/reading/submission";
import { Field, Form, FormError, TextField } from "../forms/form";
import { Panel } from "./panel";
import type { ProjectPartProps } from "./project";

export function ClientSettings(props: ProjectPartProps): JSX.Element {
  const app = useApp();
  const removal = createSubmission();
  const [edited, setEdited] = createSignal<{ key: string; value: string } | null>(null);
  const entries = () => Object.entries(props.settings.client_settings).sort(([a], [b]) => a.localeCompare(b));
  const remove = (key: string) =>
    removal.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { client_settings: { [key]: null } }));
      app.notify(`Removed ${key}`);
    });
  return (
    <Panel
      title="Client settings"
      note={`What clients fetch, every two minutes or with the answer to what they send. Version ${props.settings.config_version}.`}
      action={<Show when={!edited()}><button type="button" class="button" onClick={() => setEdited({ key: "", value: "" })}>Add a setting</button></Show>}
    >
      <Show when={edited()} keyed>
        {(entry) => <Edit {...props} entry={entry} onClose={() => setEdited(null)} />}
      </Show>
      <FormError text={removal.errorBeside()} />
      <Show when={entries().length > 0} fallback={<p class="quiet">There is none: clients send everything.</p>}>
        <ul class="rows">
          <For each={entries()}>
            {([key, value]) => (
              <li class="row">
                <span class="mono row-key">{key}</span>
                <span class="mono quiet row-value">{value}</span>
                <span class="row-actions">
                  <button type="button" class="button small" aria-label={`Change ${key}`} onClick={() => setEdited({ key, value })}>Change</button>
                  <button type="button" class="button small" aria-label={`Remove ${key}`} disabled={removal.busy()} onClick={() => void remove(key)}>Remove</button>
                </span>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Panel>
  );
}

function Edit(props: ProjectPartProps & { entry: { key: string; value: string }; onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const known = createUniqueId();
  const is_new = props.entry.key === "";
  const [key, setKey] = createSignal(props.entry.key);
  const [value, setValue] = createSignal(props.entry.value);
  const save = () => {
    if (key().trim() === "") return submission.refuse("key", "Expected a name.");
    return void submission.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { client_settings: { [key().trim()]: value() } }));
      app.notify("Saved");
      props.onClose();
    }, "client_settings");
  };
  return (
    <Form label="Client setting" submission={submission} fields={["key", "client_settings"]} submit_label="Save" busy_label="Saving…" onSubmit={save} onCancel={props.onClose}>
      <Field label="Name" hint="One that clients know begins with @@; any other is for the application itself." error={submission.errorOf("key")}>
        {(control) => (
          <input {...control} class="input wide" list={known} value={key()} readOnly={!is_new} spellcheck={false} autocomplete="off" ref={(input) => is_new && queueMicrotask(() => input.focus())} onInput={(event) => setKey(event.currentTarget.value)} />
        )}
      </Field>
      <datalist id={known}><For each={CLIENT_SETTINGS}>{(setting) => <option value={setting.key}>{setting.explanation}</option>}</For></datalist>
      <TextField label="Value" error={submission.errorOf("client_settings")} value={value()} onInput={setValue} focus={!is_new} wide />
      <details class="folded">
        <summary>What clients know</summary>
        <dl class="fact-list">
          <For each={CLIENT_SETTINGS}>{(setting) => <><dt class="mono">{setting.key}</dt><dd>{setting.explanation}</dd></>}</For>
        </dl>
      </details>
    </Form>
  );
}
