// The limits of the session rules. Empty is the default.

import { createSignal, For, type JSX } from "solid-js";
import { isDefaultLimit, LIMITS, limitSeconds, limitText, type LimitName } from "../../../derive/people/settings_text";
import { useApp } from "../../../state/app";
import { createSubmission } from "../../../state/reading/submission";
import { Form, TextField } from "../../forms/form";
import { Panel } from "../panel";
import type { ProjectPartProps } from "../project";

export function SessionLimits(props: ProjectPartProps): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [written, setWritten] = createSignal<Partial<Record<LimitName, string>>>({});
  const is_changed = () => Object.keys(written()).length > 0;
  const own = (name: LimitName) => (isDefaultLimit(props.settings, name) ? "" : limitText(props.settings.sessions[name]));
  const holding = (name: LimitName) => (isDefaultLimit(props.settings, name) ? limitText(props.settings.sessions[name]) : "the default");
  const forget = () => {
    setWritten({});
    submission.clear();
  };
  const save = () => {
    const sessions: Record<string, number | null> = {};
    for (const [name, text] of Object.entries(written())) {
      const seconds = limitSeconds(text);
      if (seconds === null && text.trim() !== "") return submission.refuse(name, "Expected a length: 90 s, 15 min, 2 h or 1 day.");
      sessions[name] = seconds;
    }
    return void submission.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { sessions }));
      forget();
      app.notify("Saved");
    });
  };
  return (
    <Panel title="Session limits" note="What is written holds for what arrives from now on; an empty field is the default. Sessions that are there are not made again.">
      <Form label="Session limits" submission={submission} fields={LIMITS.map(({ name }) => name)} submit_label="Save" busy_label="Saving…" disabled={!is_changed()} onSubmit={save} {...(is_changed() ? { onCancel: forget } : {})}>
        <div class="field-grid">
          <For each={LIMITS}>
            {({ name, label, explanation }) => (
              <TextField
                label={label}
                hint={explanation}
                error={submission.errorOf(name)}
                value={written()[name] ?? own(name)}
                placeholder={holding(name)}
                onInput={(text) => setWritten({ ...written(), [name]: text })}
              />
            )}
          </For>
        </div>
      </Form>
    </Panel>
  );
}
