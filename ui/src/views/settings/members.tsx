// Everybody who signs in, for admins of the server.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { Member, SignInLink } from "../../api/types";
import { rolesText } from "../../derive/people/roles";
import { lastUsedText } from "../../derive/people/tokens";
import { absoluteText, parseTime } from "../../derive/time";
import { settingsUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createLoaded } from "../../state/reading/loaded";
import { createSubmission } from "../../state/reading/submission";
import { Form, TextField } from "../forms/form";
import { Secret } from "../forms/secret";
import { Panel, Read } from "./panel";
import { RoleSelect } from "./role_select";

export function Members(): JSX.Element {
  const app = useApp();
  const members = createLoaded(() => true, (_, signal) => app.api.members(signal));
  const [adding, setAdding] = createSignal(false);
  const [link, setLink] = createSignal<{ name: string; link: SignInLink } | null>(null);
  const onAdded = async (name: string, made: SignInLink | null) => {
    setAdding(false);
    if (made) setLink({ name, link: made });
    await members.reload();
  };
  return (
    <Panel
      title="Members"
      note="People who sign in to this page. What a member may do is said for each project."
      action={<Show when={!adding()}><button type="button" class="button" onClick={() => setAdding(true)}>Add a member</button></Show>}
    >
      <Show when={adding()}><AddMember onAdded={onAdded} onClose={() => setAdding(false)} /></Show>
      <Show when={link()} keyed>{(made) => <LinkOnce {...made} onDone={() => setLink(null)} />}</Show>
      <Read what="The members" loaded={members}>{(list) => <MemberTable items={list().items} />}</Read>
    </Panel>
  );
}

/** A one-time link, to be handed over. */
export function LinkOnce(props: { name: string; link: SignInLink; onDone: () => void }): JSX.Element {
  const app = useApp();
  return (
    <Secret title={`A link for ${props.name}`} text={location.origin + props.link.path} label={`One-time link for ${props.name}`} onDone={props.onDone}>
      It is shown this once, signs {props.name} in once, and holds until {absoluteText(parseTime(props.link.expires_at), app.settings.zone.value())}. Hand it over in a way that only they read.
    </Secret>
  );
}

function MemberTable(props: { items: Member[] }): JSX.Element {
  const app = useApp();
  const zone = () => app.settings.zone.value();
  return (
    <div class="table-scroll" tabindex="0" role="group" aria-label="Members" data-keys="own">
      <table class="plain-table">
        <thead><tr><th scope="col">Name</th><th scope="col">Roles</th><th scope="col">Password</th><th scope="col">Last here</th></tr></thead>
        <tbody>
          <For each={props.items}>
            {(member) => (
              <tr>
                <th scope="row"><a href={settingsUrl({ section: "members", id: member.name })}>{member.name}</a></th>
                <td>{member.is_admin ? "admin of the server" : rolesText(member.roles)}</td>
                <td class="quiet">{member.has_password ? "set" : "none"}</td>
                <td>{lastUsedText(member.last_used_at, app.now_ms(), zone())}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}

function AddMember(props: { onAdded: (name: string, link: SignInLink | null) => Promise<void>; onClose: () => void }): JSX.Element {
  const app = useApp();
  const submission = createSubmission();
  const [name, setName] = createSignal("");
  const [is_admin, setIsAdmin] = createSignal(false);
  const [roles, setRoles] = createSignal<Record<string, string>>({});
  const save = () =>
    submission.run(async () => {
      const given = Object.fromEntries(Object.entries(roles()).filter(([, role]) => role !== ""));
      const made = await app.api.addMember({ name: name().trim(), is_admin: is_admin(), roles: is_admin() ? {} : given });
      await props.onAdded(made.member.name, made.link);
    }, "name");
  return (
    <Form label="New member" submission={submission} fields={["name"]} submit_label="Add and make a link" busy_label="Adding…" onSubmit={() => void save()} onCancel={props.onClose}>
      <TextField label="Name" hint="Letters, digits and . _ - + @: often the e-mail address." error={submission.errorOf("name")} value={name()} onInput={setName} placeholder="ann@example.test" focus />
      <label class="check">
        <input type="checkbox" checked={is_admin()} onChange={(event) => setIsAdmin(event.currentTarget.checked)} />
        <span>Admin of the server <span class="quiet">may everything in every project, and adds members</span></span>
      </label>
      <Show when={!is_admin()}>
        <fieldset class="field role-list">
          <legend>Roles</legend>
          <For each={app.projects() ?? []} fallback={<p class="quiet">There is no project yet.</p>}>
            {(project) => (
              <div class="role-row">
                <span>{project.name}</span>
                <RoleSelect label={`Role in ${project.name}`} role={roles()[project.id] ?? ""} none="No role" onChange={(role) => setRoles({ ...roles(), [project.id]: role })} />
              </div>
            )}
          </For>
        </fieldset>
      </Show>
    </Form>
  );
}
