// Which client? Then a token is made for it on the spot, and what to paste is shown with everything put in.

import { createSignal, createUniqueId, For, Show, type JSX } from "solid-js";
import { ApiFailure } from "../../api/client";
import type { MadeToken } from "../../api/types";
import { originsOf } from "../../derive/people/settings_text";
import { freeName } from "../../derive/people/tokens";
import { CLIENTS, type Client } from "../../derive/snippets/snippets";
import { useApp, type App } from "../../state/app";
import { createSubmission } from "../../state/reading/submission";
import { Form, FormError, TextField } from "../forms/form";
import { Snippet } from "../parts/snippet";

export interface ConnectProps {
  /** Id of the project. */
  project: string;
  /** A token that was just made elsewhere, to be put in. */
  made?: MadeToken | null;
  onMade?: () => void;
}

export function Connect(props: ConnectProps): JSX.Element {
  const app = useApp();
  const group = createUniqueId();
  const submission = createSubmission();
  const [client, setClient] = createSignal<Client | null>(null);
  /** Made while this is shown, one for each scope: choosing another client of the same kind needs no other one. */
  const [secrets, setSecrets] = createSignal<Partial<Record<string, string>>>({});
  const [origin, setOrigin] = createSignal("");

  const secret = () => {
    const scope = client()?.scope ?? "";
    return secrets()[scope] ?? (props.made?.token.scope === scope ? props.made.secret : undefined);
  };
  const make = (chosen: Client) =>
    submission.run(async () => {
      const made = await makeToken(app, props.project, chosen);
      setSecrets({ ...secrets(), [chosen.scope]: made.secret });
      props.onMade?.();
    });
  const choose = (chosen: Client) => {
    setClient(chosen);
    submission.clear();
    if (chosen.scope === "ingest" && !secret()) void make(chosen);
  };
  const allow = async (chosen: Client) => {
    const origins = originsOf(origin());
    if (origins.length === 0) return submission.refuse("origins", "Expected an origin, as the browser's address line begins: https://shop.example.");
    const allowed = await submission.run(() => allowOrigins(app, props.project, origins), "origins");
    if (allowed && !secret()) await make(chosen);
  };

  return (
    <div class="connect">
      <fieldset class="client-choice">
        <legend class="off-screen">Client</legend>
        <For each={CLIENTS}>
          {(known) => (
            <label class="client">
              <input type="radio" name={group} checked={client()?.id === known.id} onChange={() => choose(known)} />
              <span class="client-name">{known.name}</span>
              <span class="quiet">{known.for}</span>
            </label>
          )}
        </For>
      </fieldset>
      <Show when={client()} keyed>
        {(chosen) => (
          <div class="client-steps" aria-live="polite">
            <Show when={secret()} fallback={<BeforeToken client={chosen} submission={submission} origin={origin()} setOrigin={setOrigin} onAllow={() => void allow(chosen)} />}>
              {(token) => <Parts client={chosen} token={token()} />}
            </Show>
          </div>
        )}
      </Show>
    </div>
  );
}

function BeforeToken(props: {
  client: Client;
  submission: ReturnType<typeof createSubmission>;
  origin: string;
  setOrigin: (value: string) => void;
  onAllow: () => void;
}): JSX.Element {
  const fields = ["origins"];
  return (
    <Show when={props.client.scope === "browser"} fallback={<FormError text={props.submission.errorBeside()} />}>
      <Form label="Where the page is" submission={props.submission} fields={fields} submit_label="Show the code" busy_label="Making a token…" onSubmit={props.onAllow}>
        <TextField
          label="Where is the page served from?"
          hint="A token in a page can be seen by everybody, so it counts only from the origins you name. More than one: with spaces between them."
          error={props.submission.errorOf("origins")}
          value={props.origin}
          onInput={props.setOrigin}
          placeholder="http://localhost:5173"
          wide
        />
      </Form>
    </Show>
  );
}

function Parts(props: { client: Client; token: string }): JSX.Element {
  return (
    <>
      <For each={props.client.parts({ url: location.origin, token: props.token })}>
        {(part) => (
          <div class="client-part">
            <h3>{part.label}</h3>
            <Snippet text={part.text} label={part.label} />
          </div>
        )}
      </For>
      <p class="quiet">
        {props.client.tested} The token was made for this and is shown only now; it is listed in the project's settings, where it can be revoked.
      </p>
    </>
  );
}

async function allowOrigins(app: App, project: string, origins: string[]): Promise<void> {
  const known = (await app.api.projectSettings(project)).origins;
  const missing = origins.filter((origin) => !known.includes(origin));
  if (missing.length > 0) await app.api.changeProject(project, { origins: [...known, ...missing] });
}

/** Named after the client; another try when somebody took the name in between. */
async function makeToken(app: App, project: string, client: Client): Promise<MadeToken> {
  const names = (await app.api.tokens(project)).items.map((token) => token.name);
  const make = () => app.api.addToken(project, { scope: client.scope, name: freeName(client.name, names) });
  return make().catch((cause: unknown) => {
    if (!(cause instanceof ApiFailure) || cause.status !== 409) throw cause;
    names.push(freeName(client.name, names));
    return make();
  });
}
