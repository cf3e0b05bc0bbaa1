// What the project wants of the sessions that programs record: what is sent without being asked for.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { UploadWanted } from "../../../api/admin";
import { useApp } from "../../../state/app";
import { createSubmission } from "../../../state/reading/submission";
import { Form } from "../../forms/form";
import { Panel } from "../panel";
import type { ProjectPartProps } from "../project";

const CHOICES: readonly { wanted: UploadWanted; label: string; note: string }[] = [
  { wanted: "all", label: "All sessions", note: "each is sent in full" },
  { wanted: "with_errors", label: "Sessions with errors", note: "of the others only that they exist; any can be asked for on its page" },
  { wanted: "none", label: "None until asked", note: "only that they exist; any can be asked for on its page" },
];

export function UploadPolicy(props: ProjectPartProps & { wanted: UploadWanted }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [chosen, setChosen] = createSignal<UploadWanted | null>(null);
  const is_changed = () => chosen() !== null && chosen() !== props.wanted;
  const forget = () => {
    setChosen(null);
    submission.clear();
  };
  const save = () =>
    submission.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { upload: { wanted: chosen() ?? props.wanted } }));
      forget();
      app.notify("Saved");
    });
  return (
    <Panel title="What programs send" note="Of programs with Kymo's own library. Whoever runs one may send a session all the same, and what is sent is kept.">
      <Form label="What programs send" submission={submission} submit_label="Save" busy_label="Saving…" disabled={!is_changed()} onSubmit={() => void save()} {...(is_changed() ? { onCancel: forget } : {})}>
        <fieldset class="policy">
          <legend class="off-screen">What programs send</legend>
          <For each={CHOICES}>
            {({ wanted, label, note }) => (
              <label>
                <input type="radio" name="upload-wanted" value={wanted} checked={(chosen() ?? props.wanted) === wanted} onChange={() => setChosen(wanted)} />
                <span>{label} <span class="quiet">{note}</span></span>
              </label>
            )}
          </For>
        </fieldset>
        <Show when={is_changed()}><p class="quiet">Programs learn it within a minute, or when they start.</p></Show>
      </Form>
    </Panel>
  );
}
