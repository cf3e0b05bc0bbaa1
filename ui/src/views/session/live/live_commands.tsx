// What a program that is connected can be asked to do, by who may write. What became of it is told as a notice.

import { createSignal, type JSX } from "solid-js";
import { failureText } from "../../../api/client";
import type { LiveCommand } from "../../../api/types";
import { countedText } from "../../../derive/number";
import { useApp } from "../../../state/app";
import { createSubmission } from "../../../state/reading/submission";
import { Form, TextField } from "../../forms/form";
import { Popover } from "../../parts/popover";

export function LiveCommands(props: { id: string }): JSX.Element {
  const app = useApp();
  const [busy, setBusy] = createSignal(false);
  const ask = async (command: LiveCommand, done: string) => {
    setBusy(true);
    try {
      await app.api.commandLive(props.id, command);
      app.notify(done);
    } catch (cause) {
      app.notify(failureText(cause));
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="live-commands" role="group" aria-label="Ask the program">
      <button
        type="button" class="button small" disabled={busy()}
        title="The program uploads what there is of this session now"
        onClick={() => void ask({ command: "send_now" }, "The program sends what there is")}
      >
        Send now
      </button>
      <Popover class="small" label="Raise verbosity…" name="Raise verbosity">
        {(close) => <Verbosity id={props.id} onClose={close} />}
      </Popover>
      <button
        type="button" class="button small" disabled={busy()}
        title="The program closes its file and begins the next one, so that the closed one can be sent whole"
        onClick={() => void ask({ command: "roll" }, "The fragment is closed, the next one has begun")}
      >
        Close fragment
      </button>
    </span>
  );
}

const MINUTES_FIRST = "10";
/** The protocol's limit: somebody forgets it. */
const MINUTES_MAX = 24 * 60;

function Verbosity(props: { id: string; onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [filter, setFilter] = createSignal("debug");
  const [minutes, setMinutes] = createSignal(MINUTES_FIRST);
  const send = () => {
    const wanted = Number(minutes());
    if (filter().trim() === "") return submission.refuse("filter", "Expected a level, or levels by category: info,shop=debug.");
    if (!(wanted > 0 && wanted <= MINUTES_MAX)) return submission.refuse("seconds", `Expected minutes, ${MINUTES_MAX} at most.`);
    return void submission.run(async () => {
      await app.api.commandLive(props.id, { command: "verbosity", filter: filter().trim(), seconds: Math.round(wanted * 60) });
      app.notify(`It records ${filter().trim()} for ${countedText(wanted, "minute")}`);
      props.onClose();
    }, "filter");
  };
  return (
    <Form label="Raise verbosity" submission={submission} fields={["filter", "seconds"]} submit_label="Raise" busy_label="Asking…" onSubmit={send} onCancel={props.onClose}>
      <TextField
        label="What it is to record" hint="A level, or levels by category: info,shop=debug. Afterwards holds what held before."
        error={submission.errorOf("filter")} value={filter()} onInput={setFilter} focus
      />
      <TextField label="For how many minutes" error={submission.errorOf("seconds")} value={minutes()} onInput={setMinutes} />
    </Form>
  );
}
