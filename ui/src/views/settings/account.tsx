// Oneself: password, browsers, and how this browser shows things.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { Browser } from "../../api/types";
import { rolesText } from "../../derive/people/roles";
import { lastUsedText } from "../../derive/people/tokens";
import { absoluteText, parseTime, type Zone } from "../../derive/time";
import { browserText } from "../../derive/user_agent";
import { useApp } from "../../state/app";
import { createLoaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import type { Theme } from "../../state/settings";
import { ConfirmButton } from "../forms/confirm";
import { Form, FormError, TextField } from "../forms/form";
import { Choice } from "../parts/choice";
import { Panel, Read } from "./panel";

export function Account(): JSX.Element {
  const app = useApp();
  const may = () => (app.me()?.is_server_admin ? "admin of the server" : rolesText(app.me()?.roles ?? {}));
  return (
    <>
      <Panel title={app.me()?.name ?? "My account"} note={`You are ${may()}.`}>
        <div class="choices">
          <span>Times in</span>
          <Choice<Zone> label="Times are shown in" setting={app.settings.zone} options={[{ value: "local", label: "Local" }, { value: "utc", label: "UTC" }]} />
          <span>Theme</span>
          <Choice<Theme> label="Colours" setting={app.settings.theme} options={[{ value: "auto", label: "Auto" }, { value: "light", label: "Light" }, { value: "dark", label: "Dark" }]} />
        </div>
      </Panel>
      <Password />
      <Browsers />
    </>
  );
}

function Password(): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [old, setOld] = createSignal("");
  const [next, setNext] = createSignal("");
  const has_one = () => app.me()?.has_password ?? false;
  const save = () =>
    submission.run(async () => {
      await app.api.setPassword(has_one() ? old() : null, next());
      setOld("");
      setNext("");
      await app.reload();
      app.notify("Password set");
    });
  return (
    <Panel title="Password" note={has_one() ? "A new one signs all your other browsers out." : "You have none: you sign in by one-time links."}>
      <Form
        label="A password to sign in with"
        submission={submission}
        fields={["old_password", "password"]}
        submit_label={has_one() ? "Change the password" : "Set the password"}
        busy_label="Setting it…"
        disabled={next() === ""}
        onSubmit={() => void save()}
      >
        <input class="off-screen" type="text" autocomplete="username" tabindex="-1" aria-hidden="true" readOnly value={app.me()?.name ?? ""} />
        <Show when={has_one()}>
          <TextField label="Password now" type="password" autocomplete="current-password" error={submission.errorOf("old_password")} value={old()} onInput={setOld} />
        </Show>
        <TextField label="New password" hint="12 to 256 characters." type="password" autocomplete="new-password" error={submission.errorOf("password")} value={next()} onInput={setNext} />
      </Form>
    </Panel>
  );
}

function Browsers(): JSX.Element {
  const app = useApp();
  const browsers = createLoaded(() => true, (_, signal) => app.api.browsers(signal));
  const submission = createSubmission();
  const end = (browser: Browser) =>
    submission.run(async () => {
      await app.api.endBrowser(browser.id);
      await browsers.reload();
    });
  const others = () => (browsers.value()?.items ?? []).filter((browser) => !browser.is_current).length;
  return (
    <Panel
      title="Browsers"
      note="Where you are signed in. Each stays so for 30 days."
      action={
        <Show when={others() > 0}>
          <ConfirmButton
            label="Sign out all others"
            question="Sign out all other browsers?"
            detail="They have to sign in again. This one stays."
            confirm_label="Sign out"
            busy_label="Signing out…"
            onConfirm={async () => {
              await app.api.endOtherBrowsers();
              await browsers.reload();
            }}
          />
        </Show>
      }
    >
      <FormError text={submission.errorBeside()} />
      <Read what="The browsers" loaded={browsers}>
        {(list) => (
          <ul class="rows">
            <For each={list().items}>{(browser) => <BrowserRow browser={browser} busy={submission.busy()} onEnd={() => void end(browser)} />}</For>
          </ul>
        )}
      </Read>
    </Panel>
  );
}

function BrowserRow(props: { browser: Browser; busy: boolean; onEnd: () => void }): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  const name = () => (props.browser.user_agent ? browserText(props.browser.user_agent) : "unknown browser");
  return (
    <li class="row">
      <span class="row-key" title={props.browser.user_agent ?? ""}>{name()}</span>
      <span class="quiet row-value">
        from {props.browser.address ?? "an unknown address"}, used <span title={absoluteText(parseTime(props.browser.last_used_at), zone())}>{lastUsedText(props.browser.last_used_at, app.now_ms(), zone())}</span>
      </span>
      <span class="row-actions">
        <Show when={!props.browser.is_current} fallback={<span class="quiet">this one</span>}>
          <button type="button" class="button small" disabled={props.busy} aria-label={`Sign out ${name()} from ${props.browser.address ?? ""}`} onClick={() => props.onEnd()}>Sign out</button>
        </Show>
      </span>
    </li>
  );
}
