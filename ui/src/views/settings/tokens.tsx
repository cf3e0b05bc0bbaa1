// The tokens of a project: what is known of each, a new one that is shown once, and revoking.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { MadeToken, Token } from "../../api/types";
import { EXPIRIES, expiryText, lastUsedText, scopeLabel, SCOPES, tokenName } from "../../derive/people/tokens";
import { absoluteText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import type { Loaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import { ConfirmButton } from "../forms/confirm";
import { Field, Form, RadioField, TextField } from "../forms/form";
import { Secret } from "../forms/secret";
import { Panel, Read } from "./panel";

export interface TokensProps {
  project: string;
  tokens: Loaded<{ items: Token[] }>;
  onMade: (made: MadeToken) => void;
}

export function Tokens(props: TokensProps): JSX.Element {
  const [adding, setAdding] = createSignal(false);
  const [made, setMade] = createSignal<MadeToken | null>(null);
  const onMade = async (token: MadeToken) => {
    setMade(token);
    setAdding(false);
    props.onMade(token);
    await props.tokens.reload();
  };
  return (
    <Panel
      title="Tokens"
      note="By a token a program enters this project. The server keeps a hash of it only."
      action={<Show when={!adding()}><button type="button" class="button" onClick={() => setAdding(true)}>New token</button></Show>}
    >
      <Show when={adding()}><NewToken project={props.project} onMade={onMade} onClose={() => setAdding(false)} /></Show>
      <Show when={made()} keyed>
        {(token) => (
          <Secret title={`The token “${tokenName(token.token)}”`} text={token.secret} label="The new token" onDone={() => setMade(null)}>
            It is shown this once.{["ingest", "browser"].includes(token.token.scope) ? " What to paste into a client with it is above, under “Connect a client”." : ""}
          </Secret>
        )}
      </Show>
      <Read what="The tokens" loaded={props.tokens}>
        {(list) => (
          <Show when={list().items.length > 0} fallback={<p class="quiet">There is none: nothing can send to this project.</p>}>
            <TokenTable {...props} items={list().items} />
          </Show>
        )}
      </Read>
    </Panel>
  );
}

function TokenTable(props: TokensProps & { items: Token[] }): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const revoke = async (token: Token) => {
    await app.api.revokeToken(props.project, token.id);
    app.notify("Token revoked");
    await props.tokens.reload();
  };
  return (
    <div class="table-scroll" tabindex="0" role="group" aria-label="Tokens" data-keys="own">
      <table class="plain-table">
        <thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col">Last used</th><th scope="col">Holds until</th><th scope="col">Made</th><th scope="col"><span class="off-screen">Actions</span></th></tr></thead>
        <tbody>
          <For each={props.items}>
            {(token) => (
              <tr>
                <th scope="row" title={`begins with ${token.label}`}>{tokenName(token)}</th>
                <td>{scopeLabel(token.scope)}</td>
                <td>{lastUsedText(token.last_used_at, app.now_ms(), zone())}</td>
                <td classList={{ "error-count": token.has_expired }}>{expiryText(token, zone())}</td>
                <td title={absoluteText(parseTime(token.created_at), zone())}>{lastUsedText(token.created_at, app.now_ms(), zone())} by {token.created_by ?? "the command line"}</td>
                <td class="cell-actions">
                  <ConfirmButton
                    small
                    label="Revoke"
                    name={`Revoke ${tokenName(token)}`}
                    question={`Revoke “${tokenName(token)}”?`}
                    detail="Whatever uses it is refused from the next request on. A revoked token cannot be brought back."
                    confirm_label="Revoke"
                    busy_label="Revoking…"
                    onConfirm={() => revoke(token)}
                  />
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

function NewToken(props: { project: string; onMade: (made: MadeToken) => Promise<void>; onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal("");
  const [scope, setScope] = createSignal("ingest");
  const [expiry, setExpiry] = createSignal(0);
  const save = () =>
    submission.run(async () => {
      const wanted = name().trim();
      const seconds = EXPIRIES[expiry()]?.seconds ?? null;
      await props.onMade(await app.api.addToken(props.project, { scope: scope(), ...(wanted && { name: wanted }), ...(seconds && { expires_in_seconds: seconds }) }));
    }, "name");
  return (
    <Form label="New token" submission={submission} fields={["name", "expires_in_seconds"]} submit_label="Make the token" busy_label="Making it…" onSubmit={() => void save()} onCancel={props.onClose}>
      <RadioField label="It may" name="scope" items={SCOPES.map((known) => ({ ...known, value: known.scope }))} value={scope()} onChange={setScope} />
      <TextField label="Name" hint="Where it is used, so that one knows what to revoke." error={submission.errorOf("name")} value={name()} onInput={setName} placeholder="shop server" focus />
      <Field label="Holds for" error={submission.errorOf("expires_in_seconds")}>
        {(control) => (
          <select {...control} onChange={(event) => setExpiry(event.currentTarget.selectedIndex)}>
            <For each={EXPIRIES}>{({ label }, index) => <option selected={index() === expiry()}>{label}</option>}</For>
          </select>
        )}
      </Field>
    </Form>
  );
}
