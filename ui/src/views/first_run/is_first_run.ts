// Whether there is anything to look at yet.

import { createEffect, createMemo, type Accessor } from "solid-js";
import type { Session } from "../../api/types";
import { sessionUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { SessionList } from "../../state/session_list";

/** Nothing has ever arrived, as opposed to nothing that matches. When something does, its session is opened. */
export function createFirstRun(props: { list: SessionList; state: ListState }): Accessor<boolean> {
  const app = useApp();
  const is_first_run = createMemo(() => {
    const { list, state } = props;
    const is_plain = !state.filter && !state.running && !state.errors && !state.without_errors;
    if (!is_plain || !list.ready() || list.stale() || list.rows().length > 0) return false;
    const projects = app.projects()?.filter((project) => state.project === null || project.id === state.project);
    return projects !== undefined && projects.every((project) => project.session_count === 0);
  });
  createEffect((was_first_run: boolean) => {
    const first = props.list.rows()[0];
    if (was_first_run && !is_first_run() && first && !props.list.stale()) app.router.navigate(openUrl(first));
    return is_first_run();
  }, false);
  return is_first_run;
}

function openUrl({ id }: Session): string {
  return sessionUrl({ id });
}
