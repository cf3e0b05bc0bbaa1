// Connecting one more client, in the settings; says when something has arrived.

import { createSignal, Show, type JSX } from "solid-js";
import type { MadeToken } from "../../api/types";
import { sessionUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { Connect } from "../first_run/connect";
import { Panel } from "./panel";

export function ConnectPanel(props: { project: string; made: MadeToken | null; onMade: () => void }): JSX.Element {
  const app = useApp();
  const [open, setOpen] = createSignal(false);
  const [arrived, setArrived] = createSignal<string | null>(null);
  app.onChanged((changed) => {
    const session = changed?.sessions?.[0];
    if (!open() || !session || !changed.projects.includes(props.project) || changed.projects.length > 1) return;
    setArrived(session);
  });
  return (
    <Panel
      title="Connect a client"
      note="What to paste into a program or page, with this server and a token put in."
      action={
        <button type="button" class="button" aria-expanded={open()} onClick={() => setOpen(!open())}>
          {open() ? "Close" : "Choose a client"}
        </button>
      }
    >
      <Show when={open()}>
        <Connect project={props.project} made={props.made} onMade={props.onMade} />
        <p class="quiet" role="status">
          <Show when={arrived()} fallback="What arrives for the project from now on is told here.">
            {(session) => (
              <>Something arrived: <a href={sessionUrl({ id: session() })}>open the session</a></>
            )}
          </Show>
        </p>
      </Show>
    </Panel>
  );
}
