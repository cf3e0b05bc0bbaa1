// Home: the list of sessions with its tiles and filters.

import { For, Show, type JSX } from "solid-js";
import { baseParams } from "../../derive/list/params";
import { parseSort, SORT_DEFAULT, sortChoices } from "../../derive/list/sort";
import { listUrl, type ListState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import type { Panel } from "../../state/list/panel";
import type { SessionList } from "../../state/session_list";
import { createFirstRun } from "../first_run/is_first_run";
import { FirstRun } from "../late_views";
import { FilterBar } from "../filter/filter_bar";
import { Failure } from "../parts/failure";
import { Chart } from "./chart";
import { ExportMenu } from "./export_menu";
import { ImportButton, ImportDrop } from "./import_drop";
import { RangeMenu } from "./range_menu";
import { SessionTable, type Change } from "./session_table";
import { Tiles } from "./tiles";
import { ViewsMenu } from "./views_menu";
import { WorthOpening } from "./worth_opening";

export interface SessionsProps {
  list: SessionList;
  state: ListState;
}

export function SessionsView(props: SessionsProps): JSX.Element {
  const app = useApp();
  const change: Change = (part, replace = false) => app.router.navigate(listUrl({ ...props.state, ...part }), { replace });
  const first_run = createFirstRun(props);
  /** Of one cause, such as a server that is not there, the list speaks for all. */
  const untold = <Value,>(panel: Panel<Value>): Panel<Value> => ({
    ...panel,
    failure: () => (panel.failure() === props.list.failure() ? null : panel.failure()),
  });
  const { summary, chart, worth } = props.list.figures;
  return (
    <>
    <ImportDrop project={props.state.project} />
    <Show when={!first_run()} fallback={<FirstRun project={props.state.project} />}>
      <section class="sessions" aria-labelledby="sessions-title">
        <Toolbar {...props} onChange={change} />
        <Tiles panel={untold(summary)} state={props.state} onChange={change} />
        <Chart panel={untold(chart)} onZoom={(range) => change({ range })} />
        <WorthOpening panel={untold(worth)} at_top={props.list.at_top} />
        <Show when={props.list.fault() ? null : props.list.failure()}>
          {(detail) => <Failure what="The sessions could not be read." detail={detail()} onRetry={props.list.retry} />}
        </Show>
        <SessionTable {...props} onChange={change} />
      </section>
    </Show>
    </>
  );
}

function Toolbar(props: SessionsProps & { onChange: Change }): JSX.Element {
  const scope = () => {
    const { project, from, to } = baseParams(props.state, Date.now());
    return { project: project ?? null, from: from ?? null, to: to ?? null };
  };
  const summary = () => props.list.figures.summary.value();
  const is_narrowed = () => props.state.running || props.state.errors || props.state.without_errors;
  return (
    <div class="toolbar">
      <h1 id="sessions-title">Sessions</h1>
      <FilterBar
        placeholder={'user:ann error:true "exact words"'}
        value={props.state.filter}
        fault={props.list.fault()}
        scope={scope}
        onChange={(filter) => props.onChange({ filter }, true)}
      />
      <RangeMenu range={props.state.range} back_to={props.list.back_to()} onChange={(range) => props.onChange({ range })} />
      <select class="order-choice" aria-label="Order" onChange={(event) => props.onChange({ sort: parseSort(event.currentTarget.value) ?? SORT_DEFAULT })}>
        <For each={sortChoices(props.state.sort)}>
          {({ sort, text }) => <option value={sort} selected={sort === props.state.sort}>{text}</option>}
        </For>
      </select>
      <ViewsMenu state={props.state} />
      <ImportButton />
      <ExportMenu state={props.state} count={is_narrowed() ? null : (summary()?.sessions ?? null)} />
    </div>
  );
}
