// One member: roles, the ways in, and the end.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { ChangeMember, Member, SignInLink } from "../../api/types";
import { lastUsedText } from "../../derive/people/tokens";
import { settingsUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createLoaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import { ConfirmButton } from "../forms/confirm";
import { FormError } from "../forms/form";
import { LinkOnce } from "./members";
import { Panel, Read } from "./panel";
import { RoleSelect } from "./role_select";

export function MemberPage(props: { name: string }): JSX.Element {
  const app = useApp();
  const member = createLoaded(() => props.name, (name, signal) => app.api.member(name, signal));
  return (
    <>
      <p class="crumbs"><a href={settingsUrl({ section: "members", id: null })}>Members</a> / <strong>{member.value()?.name ?? props.name}</strong></p>
      <Read what="The member" loaded={member}>
        {(value) => (
          <>
            <Roles member={value()} onChanged={member.set} onRefused={member.reload} />
            <WaysIn member={value()} onChanged={member.set} />
            <Panel title="Remove" note="The name is free again afterwards. What they did stays in the audit log.">
              <div class="form-actions">
                <ConfirmButton
                  label={`Remove ${value().name}`}
                  question={`Remove ${value().name}?`}
                  detail="They are signed out everywhere at once, and their roles, password and links are gone."
                  confirm_label="Remove"
                  busy_label="Removing…"
                  onConfirm={async () => {
                    await app.api.removeMember(value().name);
                    app.notify(`${value().name} was removed`);
                    app.router.navigate(settingsUrl({ section: "members", id: null }));
                  }}
                />
              </div>
            </Panel>
          </>
        )}
      </Read>
    </>
  );
}

function Roles(props: { member: Member; onChanged: (member: Member) => void; onRefused: () => Promise<void> }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const change = (part: ChangeMember, said: string) =>
    submission.run(async () => {
      try {
        props.onChanged((await app.api.changeMember(props.member.name, part)).member);
        app.notify(said);
      } catch (cause) {
        // What is chosen is what holds.
        await props.onRefused();
        throw cause;
      }
    });
  const setRole = (project: string, role: string) => change({ roles: { [project]: role || null } }, role ? `${props.member.name} is ${role}` : "Role taken away");
  return (
    <Panel title="Roles" note="A change holds at once.">
      <FormError text={submission.errorBeside()} />
      <label class="check">
        <input type="checkbox" checked={props.member.is_admin} disabled={submission.busy()} onChange={(event) => void change({ is_admin: event.currentTarget.checked }, "Saved")} />
        <span>Admin of the server <span class="quiet">may everything in every project, and adds members</span></span>
      </label>
      <Show when={!props.member.is_admin}>
        <div class="role-list">
          <For each={app.projects() ?? []}>
            {(project) => (
              <div class="role-row">
                <span>{project.name}</span>
                <RoleSelect
                  label={`Role in ${project.name}`}
                  role={props.member.roles[project.id] ?? ""}
                  none="No role"
                  disabled={submission.busy()}
                  onChange={(role) => void setRole(project.id, role)}
                />
              </div>
            )}
          </For>
        </div>
      </Show>
    </Panel>
  );
}

function WaysIn(props: { member: Member; onChanged: (member: Member) => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [link, setLink] = createSignal<SignInLink | null>(null);
  const name = () => props.member.name;
  const change = async (part: ChangeMember, said: string) => {
    const changed = await app.api.changeMember(name(), part);
    props.onChanged(changed.member);
    if (changed.link) setLink(changed.link);
    else app.notify(said);
  };
  const last_here = () => lastUsedText(props.member.last_used_at, app.now_ms(), app.settings.zone.value());
  return (
    <Panel title="Ways in" note={`Last here: ${last_here()}. Password: ${props.member.has_password ? "set" : "none"}.`}>
      <FormError text={submission.errorBeside()} />
      <Show when={link()} keyed>{(made) => <LinkOnce name={name()} link={made} onDone={() => setLink(null)} />}</Show>
      <div class="form-actions">
        <button type="button" class="button" disabled={submission.busy()} onClick={() => void submission.run(() => change({ new_link: true }, ""))}>New one-time link</button>
        <ConfirmButton
          label="Sign out everywhere"
          question={`Sign ${name()} out everywhere?`}
          detail="All browsers have to sign in again, by password or by a new link."
          confirm_label="Sign out"
          busy_label="Signing out…"
          onConfirm={() => change({ end_sessions: true }, `${name()} is signed out`)}
        />
        <Show when={props.member.has_password}>
          <ConfirmButton
            label="Remove the password"
            question={`Remove the password of ${name()}?`}
            detail="For who forgot it: all browsers are signed out, and the way back is a one-time link, which is made with it."
            confirm_label="Remove and make a link"
            busy_label="Removing…"
            onConfirm={() => change({ remove_password: true, new_link: true }, "")}
          />
        </Show>
      </div>
    </Panel>
  );
}
