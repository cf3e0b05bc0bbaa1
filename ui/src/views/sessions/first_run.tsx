// Nothing has arrived yet: how to send the first event. Becomes the list by itself when the first session is there.

import { Show, type JSX } from "solid-js";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";

const PROJECT_COMMAND = "kymo project add NAME";

function tokenCommand(project: string): string {
  return `kymo token add --project ${project} --scope ingest`;
}

function clientSnippet(server_url: string): string {
  return `import { Exceptionless } from "@exceptionless/node";

await Exceptionless.startup((config) => {
  config.apiKey = "TOKEN";
  config.serverUrl = "${server_url}";
  config.setUserIdentity("ann@example.com", "Ann");
  config.useSessions();
});

await Exceptionless.submitLog("first", "hello, Kymo", "info");`;
}

export function FirstRun(): JSX.Element {
  const app = useApp();
  return (
    <section class="first-run" aria-labelledby="first-run-title">
      <h1 id="first-run-title">Waiting for your first session</h1>
      <p class="quiet">This page shows it the moment it arrives.</p>
      <div class="waiting-line" aria-hidden="true"><span /></div>
      <ol>
        <li>
          <h2>Make a token, on the server's machine</h2>
          <Show when={app.projects()?.length === 0}>
            <Snippet text={PROJECT_COMMAND} label="the command for a project" />
          </Show>
          <Snippet text={tokenCommand(app.projects()?.[0]?.id ?? "NAME")} label="the command" />
        </li>
        <li>
          <h2>Send an event from a Node.js program</h2>
          <Snippet text="npm install @exceptionless/node" label="the install command" />
          <Snippet text={clientSnippet(location.origin)} label="the program" />
          <p class="quiet">Put the token in for TOKEN. Other Exceptionless clients take the same two settings.</p>
        </li>
      </ol>
    </section>
  );
}

function Snippet(props: { text: string; label: string }): JSX.Element {
  const app = useApp();
  const copy = async () => app.notify((await copyText(props.text)) ? "Copied" : "The browser did not allow to copy");
  return (
    <div class="snippet-frame">
      <pre class="snippet" tabindex="0">{props.text}</pre>
      <button type="button" class="button small" aria-label={`Copy ${props.label}`} onClick={() => void copy()}>Copy</button>
    </div>
  );
}
