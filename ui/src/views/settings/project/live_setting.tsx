// Whether the project's programs may be followed while they run.

import { For, Show, type JSX } from "solid-js";
import { liveAgentSnippets } from "../../../derive/snippets/live";
import { liveUrl } from "../../../derive/url_state";
import { useApp } from "../../../state/app";
import { createLoaded } from "../../../state/reading/loaded";
import { createSubmission } from "../../../state/reading/submission";
import { FormError } from "../../forms/form";
import { Snippet } from "../../parts/snippet";
import { Panel } from "../panel";
import type { ProjectPartProps } from "../project";

export function LiveSetting(props: ProjectPartProps): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const is_on = () => props.settings.live.enabled;
  /** Whether the server lets it be: both have to. */
  const held = createLoaded(() => (is_on() ? props.settings.id : null), (_, signal) => app.api.liveSwitch(signal));
  const change = (enabled: boolean) =>
    submission.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { live: { enabled } }));
      app.notify(enabled ? "Live is on for this project" : "Live is off: programs are let go, nothing of what runs is shown");
    });
  return (
    <Panel title="Live" note="Programs that want it stay connected while they run, so that they can be seen and followed as they work. Nothing more is stored by that.">
      <label class="check">
        <input
          type="checkbox" role="switch" checked={is_on()} disabled={submission.busy()}
          onChange={(event) => {
            const { checked } = event.currentTarget;
            // What holds is shown, not what is wished.
            event.currentTarget.checked = is_on();
            void change(checked);
          }}
        />
        <span>Programs of this project may connect</span>
      </label>
      <FormError text={submission.errorBeside()} />
      <Show when={is_on()}>
        <Show when={held.value()?.enabled === false}>
          <p class="form-warning">The server's own switch is off: <span class="mono">[live] enabled = true</span> in its kymo.toml.</p>
        </Show>
        <p class="quiet">Each program says so too, and then shows on <a href={liveUrl({ project: props.settings.id, filter: "" })}>Live</a>:</p>
        <For each={liveAgentSnippets()}>{({ label, text }) => <Snippet text={text} label={label} />}</For>
      </Show>
    </Panel>
  );
}
