// What stands where nothing runs: nothing that fits, or how live is switched on.

import { Show, For, type JSX } from "solid-js";
import { mayAdminister } from "../../derive/people/roles";
import { liveAgentSnippets, liveProjectSnippet, liveServerSnippet } from "../../derive/snippets/live";
import { settingsUrl, type LiveState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { Snippet } from "../parts/snippet";

export function NothingRuns(props: { state: LiveState; is_off: boolean; onClearFilter: () => void }): JSX.Element {
  return (
    <div class="nothing-runs">
      <Show
        when={props.state.filter === "" || props.is_off}
        fallback={
          <div class="no-match">
            <p>No session that runs matches.</p>
            <div class="actions"><button type="button" class="button" onClick={() => props.onClearFilter()}>Clear the filter</button></div>
          </div>
        }
      >
        <div class="live-guide">
          <h2>{props.is_off ? "Live is off" : "Nothing runs now"}</h2>
          <p class="quiet">
            {props.is_off
              ? "Programs cannot connect to this server, or not for this project. Sessions of web pages and users are listed all the same while they send."
              : "Programs show here while they run, each event as it happens. Three switches are off until somebody turns them on:"}
          </p>
          <Steps state={props.state} />
        </div>
      </Show>
    </div>
  );
}

/** Above a list that holds what is known without it. */
export function LiveOff(props: { state: LiveState }): JSX.Element {
  return (
    <details class="live-off">
      <summary>Live is off: programs are listed by what they send only. How to switch it on</summary>
      <div class="live-guide"><Steps state={props.state} /></div>
    </details>
  );
}

function Steps(props: { state: LiveState }): JSX.Element {
  const app = useApp();
  /** The one that is looked at, or the only one. */
  const project = () => props.state.project ?? (app.projects()?.length === 1 ? (app.projects()?.[0]?.id ?? null) : null);
  const steps = () => [
    { name: "The server", parts: [liveServerSnippet()] },
    { name: "The project", parts: [liveProjectSnippet({ project: project() })] },
    { name: "The program", parts: liveAgentSnippets() },
  ];
  return (
    <ol class="live-steps">
      <For each={steps()}>
        {({ name, parts }) => (
          <li>
            <h3>{name}</h3>
            <Show when={name === "The project" && project() !== null && mayAdminister(app.me(), project() ?? "")}>
              <p><a href={settingsUrl({ section: "projects", id: project() })}>Settings of the project</a>, under “Live”. Or:</p>
            </Show>
            <For each={parts}>
              {({ label, text }) => (
                <>
                  <p class="quiet">{label}</p>
                  <Snippet text={text} label={`${name}: ${label}`} />
                </>
              )}
            </For>
          </li>
        )}
      </For>
    </ol>
  );
}
