// What was done, by whom: newest first, page by page.

import { For, Show, type JSX } from "solid-js";
import { actionText } from "../../derive/people/audit_text";
import { absoluteText, parseTime, relativeText } from "../../derive/time";
import { settingsUrl } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { createPaged } from "../../state/reading/paged";
import { Failure } from "../parts/failure";
import { Panel } from "./panel";

const PAGE_SIZE = 100;

/** Of one project, or of all. */
export function Audit(props: { project: string | null }): JSX.Element {
  const app = useApp();
  const project = () => props.project;
  const setProject = (id: string | null) => app.router.navigate(settingsUrl({ section: "audit", id }));
  const log = createPaged(
    () => project() ?? "",
    (cursor, signal) => app.api.audit({ project: project(), cursor, limit: PAGE_SIZE }, signal),
  );
  const zone = () => app.settings.zone.value();
  return (
    <Panel
      title="Audit log"
      note="Sign-ins, and changes of members, tokens and projects; exports. Kept for thirteen months."
      action={
        <Show when={(app.projects()?.length ?? 0) > 1}>
          <select aria-label="Project of the audit log" onChange={(event) => setProject(event.currentTarget.value || null)}>
            <option value="" selected={project() === null}>All projects</option>
            <For each={app.projects() ?? []}>{({ id, name }) => <option value={id} selected={id === project()}>{name}</option>}</For>
          </select>
        </Show>
      }
    >
      <Show when={log.failure()}>{(failure) => <Failure what="The audit log could not be read." detail={failure().text} onRetry={log.retry} />}</Show>
      <Show when={log.ready() && log.items().length === 0}><p class="quiet">Nothing was done here.</p></Show>
      <Show when={log.items().length > 0}>
        <div class="table-scroll" tabindex="0" role="group" aria-label="Audit log" data-keys="own">
          <table class="plain-table">
            <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">To what</th><th scope="col">Project</th><th scope="col">From</th></tr></thead>
            <tbody>
              <For each={log.items()}>
                {(entry) => (
                  <tr>
                    <td title={relativeText(parseTime(entry.at), app.now_ms(), zone())}>{absoluteText(parseTime(entry.at), zone())}</td>
                    <th scope="row">{entry.actor}</th>
                    <td title={entry.action} classList={{ "error-count": entry.action === "sign_in.failed" }}>{actionText(entry.action)}</td>
                    <td class="cell-wrap">{entry.target}</td>
                    <td>{entry.project}</td>
                    <td class="quiet">{entry.address}</td>
                  </tr>
                )}
              </For>
            </tbody>
          </table>
        </div>
      </Show>
      <Show when={log.has_more()}>
        <div class="form-actions"><button type="button" class="button" onClick={() => log.loadMore()}>Show older</button></div>
      </Show>
    </Panel>
  );
}
