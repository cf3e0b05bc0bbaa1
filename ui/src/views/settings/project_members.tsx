// Who has which role in a project, for its admins.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { ProjectMember } from "../../api/types";
import { isServerAdmin, ROLES } from "../../derive/people/roles";
import { useApp } from "../../state/app";
import { createLoaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import { Field, Form, FormError, TextField } from "../forms/form";
import { Panel, Read } from "./panel";
import { RoleSelect } from "./role_select";

export function ProjectMembers(props: { project: string }): JSX.Element {
  const app = useApp();
  const members = createLoaded(() => props.project, (id, signal) => app.api.projectMembers(id, signal));
  const change = createSubmission();
  const [adding, setAdding] = createSignal(false);
  const set = (member: ProjectMember, role: string) =>
    change.run(async () => {
      try {
        if (role === "") await app.api.removeRole(props.project, member.name);
        else await app.api.setRole(props.project, member.name, role);
        app.notify(role === "" ? `${member.name} has no role here any more` : `${member.name} is ${role}`);
      } finally {
        // Also after a refusal: what is chosen is what holds.
        await members.reload();
      }
    });
  return (
    <Panel
      title="Members"
      note={ROLES.map(({ label, may }) => `${label} ${may}`).join("; ") + "."}
      action={<Show when={!adding()}><button type="button" class="button" onClick={() => setAdding(true)}>Give somebody a role</button></Show>}
    >
      <Show when={adding()}><AddRole project={props.project} onDone={() => members.reload()} onClose={() => setAdding(false)} /></Show>
      <FormError text={change.errorBeside()} />
      <Read what="The members" loaded={members}>
        {(list) => (
          <ul class="rows">
            <For each={list().items}>
              {(member) => (
                <li class="row">
                  <span class="row-key">{member.name}</span>
                  <Show when={!member.is_server_admin} fallback={<span class="quiet row-actions">admin of the server</span>}>
                    <span class="row-actions">
                      <RoleSelect label={`Role of ${member.name}`} role={member.role} none="No role: remove" disabled={change.busy()} onChange={(role) => void set(member, role)} />
                    </span>
                  </Show>
                </li>
              )}
            </For>
          </ul>
        )}
      </Read>
    </Panel>
  );
}

function AddRole(props: { project: string; onDone: () => Promise<void>; onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal("");
  const [role, setRole] = createSignal("reader");
  const save = () => {
    if (name().trim() === "") return submission.refuse("name", "Expected the name of a member.");
    return void submission.run(async () => {
      await app.api.setRole(props.project, name().trim(), role());
      await props.onDone();
      props.onClose();
    }, "name");
  };
  return (
    <Form label="A role for somebody" submission={submission} fields={["name", "role"]} submit_label="Give the role" busy_label="Giving it…" onSubmit={save} onCancel={props.onClose}>
      <TextField
        label="Name"
        hint={isServerAdmin(app.me()) ? "Of a member who is there; new ones are added under “Members”." : "Of a member who is there; new ones are added by an admin of the server."}
        error={submission.errorOf("name")}
        value={name()}
        onInput={setName}
        focus
      />
      <Field label="Role" error={submission.errorOf("role")}>
        {(control) => <RoleSelect id={control.id} role={role()} onChange={setRole} />}
      </Field>
    </Form>
  );
}
