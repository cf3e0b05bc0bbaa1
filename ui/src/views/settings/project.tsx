// One project: its name, what may send, for how long things are kept, and who may see them.

import { createSignal, Show, type JSX } from "solid-js";
import type { UploadWanted } from "../../api/admin";
import type { MadeToken, ProjectSettings } from "../../api/types";
import { originsOf, retentionText } from "../../derive/people/settings_text";
import { settingsUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createLoaded, type Loaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import { Field, Form, TextField } from "../forms/form";
import { ConnectPanel } from "./connect_panel";
import { Read, Panel } from "./panel";
import { ClientSettings } from "./client_settings";
import { ProjectMembers } from "./project_members";
import { LiveSetting } from "./project/live_setting";
import { SessionLimits } from "./project/session_limits";
import { Tokens } from "./tokens";
import { UploadPolicy } from "./project/upload_policy";

export interface ProjectPartProps {
  settings: ProjectSettings;
  onChanged: (settings: ProjectSettings) => void;
}

export function ProjectPage(props: { id: string }): JSX.Element {
  const app = useApp();
  const settings = createLoaded(() => props.id, (id, signal) => app.api.projectSettings(id, signal));
  const tokens = createLoaded(() => props.id, (id, signal) => app.api.tokens(id, signal));
  const [made, setMade] = createSignal<MadeToken | null>(null);
  return (
    <>
      <p class="crumbs"><a href={settingsUrl({ section: "projects", id: null })}>Projects</a> / <strong>{settings.value()?.name ?? props.id}</strong></p>
      <Read what="The project" loaded={settings as Loaded<ProjectSettings>}>
        {(value) => (
          <>
            <ConnectPanel project={value().id} made={made()} onMade={() => void tokens.reload().then(() => settings.reload())} />
            <Tokens project={value().id} tokens={tokens} onMade={setMade} />
            <General settings={value()} onChanged={settings.set} />
            <Retention settings={value()} onChanged={settings.set} />
            <Show when={wantedOf(value())}>{(wanted) => <UploadPolicy settings={value()} wanted={wanted()} onChanged={settings.set} />}</Show>
            <LiveSetting settings={value()} onChanged={settings.set} />
            <SessionLimits settings={value()} onChanged={settings.set} />
            <ClientSettings settings={value()} onChanged={settings.set} />
            <ProjectMembers project={value().id} />
          </>
        )}
      </Read>
    </>
  );
}

/** `null`: a server that has no such setting. */
function wantedOf(settings: ProjectSettings & { upload?: { wanted: string } }): UploadWanted | null {
  const wanted = settings.upload?.wanted;
  return wanted === "all" || wanted === "with_errors" || wanted === "none" ? wanted : null;
}

function General(props: ProjectPartProps): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal<string | null>(null);
  const [origins, setOrigins] = createSignal<string | null>(null);
  const origins_text = () => origins() ?? props.settings.origins.join("\n");
  const is_changed = () => name() !== null || origins() !== null;
  const forget = () => {
    setName(null);
    setOrigins(null);
    submission.clear();
  };
  const save = () =>
    submission.run(async () => {
      const wanted_name = name();
      const wanted_origins = origins();
      props.onChanged(
        await app.api.changeProject(props.settings.id, {
          ...(wanted_name === null ? {} : { name: wanted_name }),
          ...(wanted_origins === null ? {} : { origins: originsOf(wanted_origins) }),
        }),
      );
      forget();
      app.notify("Saved");
      await app.reload();
    }, origins() === null ? "name" : name() === null ? "origins" : undefined);
  return (
    <Panel title="Name and origins">
      <Form label="Name and origins" submission={submission} fields={["name", "origins"]} submit_label="Save" busy_label="Saving…" disabled={!is_changed()} onSubmit={() => void save()} {...(is_changed() ? { onCancel: forget } : {})}>
        <TextField label="Name" error={submission.errorOf("name")} value={name() ?? props.settings.name} onInput={setName} />
        <Field
          label="Web origins"
          hint="From where pages may send with a token of scope “Send from web pages”, one a line: https://shop.example. From nowhere if there is none."
          error={submission.errorOf("origins")}
        >
          {(control) => (
            <textarea {...control} class="input wide" rows={Math.min(8, Math.max(2, origins_text().split("\n").length))} spellcheck={false} value={origins_text()} onInput={(event) => setOrigins(event.currentTarget.value)} />
          )}
        </Field>
        <p class="quiet">Its id is <span class="mono">{props.settings.id}</span> and stays.</p>
      </Form>
    </Panel>
  );
}

function Retention(props: ProjectPartProps): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [text, setText] = createSignal<string | null>(null);
  const days_text = () => text() ?? (props.settings.retention_days === null ? "" : String(props.settings.retention_days));
  const days = () => (/^\d+$/.test(days_text().trim()) ? Number(days_text()) : null);
  const forget = () => {
    setText(null);
    submission.clear();
  };
  const save = () => {
    if (days() === null && days_text().trim() !== "") return submission.refuse("retention_days", "Expected whole days, or nothing.");
    return void submission.run(async () => {
      props.onChanged(await app.api.changeProject(props.settings.id, { retention_days: days() }));
      forget();
      app.notify("Saved");
    }, "retention_days");
  };
  return (
    <Panel title="Retention" note="What was removed cannot be brought back. Sessions that run stay, and so do pinned ones.">
      <Form label="Retention" submission={submission} fields={["retention_days"]} submit_label="Save" busy_label="Saving…" disabled={text() === null} onSubmit={save} {...(text() === null ? {} : { onCancel: forget })}>
        <TextField
          label="Days"
          hint={<span aria-live="polite">{retentionText(days(), props.settings.retention_default_days)}</span>}
          error={submission.errorOf("retention_days")}
          value={days_text()}
          placeholder="as the server"
          onInput={setText}
        />
        <Show when={text() !== null && days() !== null && days() !== props.settings.retention_days}>
          <p class="form-warning">On saving, everything older begins to be removed within minutes.</p>
        </Show>
      </Form>
    </Panel>
  );
}
