// One session: its header, its kymogram, its events and the details of the selected one.

import { createEffect, createMemo, on, Show, type JSX } from "solid-js";
import { whoText } from "../../derive/session_text";
import { parseTime } from "../../derive/time";
import { listUrl, sessionUrl, type ListState, type SessionPageState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createErrorIndex } from "../../state/error_index";
import { createEventList, type EventFilter, type EventList } from "../../state/event_list";
import { createDelayed } from "../../state/refresh";
import { createSelection, type Selection } from "../../state/selection";
import { createSessionSource, type SessionSource } from "../../state/session_page";
import { Environment } from "./environment";
import { EventDetails } from "./event_details";
import { EventTable, type EventTableHandle } from "./event_table";
import { Failure } from "../parts/failure";
import { LargeKymogram } from "../kymogram/large_kymogram";
import { SessionHeader } from "./session_header";
import { SessionToolbar } from "./session_toolbar";

export interface SessionViewProps {
  state: SessionPageState;
  list_state: ListState;
}

type Change = (part: Partial<SessionPageState>, replace?: boolean) => void;

export function SessionView(props: SessionViewProps): JSX.Element {
  const app = useApp();
  const filter = createMemo<EventFilter>((last) => {
    const { id, text, severity, errors } = props.state;
    const is_same = last?.id === id && last.text === text && last.severity === severity && last.errors === errors;
    return is_same ? last : { id, text, severity, errors };
  });
  const events = createEventList(app, filter);
  const errors = createErrorIndex(app, filter);
  const source = createSessionSource(app, () => props.state.id, () => {
    events.refresh();
    errors.forget();
  });
  const change: Change = (part, replace = false) =>
    app.router.navigate(sessionUrl({ ...props.state, ...part }), { replace });
  const selection = createSelection(app, {
    events,
    errors,
    sequence: () => props.state.event,
    choose: (event) => change({ event, tab: "events" }, true),
  });
  const goBack = () => app.router.back(listUrl(props.list_state));
  const copyLink = async () =>
    app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  const retry = () => {
    source.retry();
    events.retry();
  };

  app.keys.bind({
    e: () => selection.stepError(1),
    E: () => selection.stepError(-1),
    y: () => void copyLink(),
    Escape: () => (isNarrow() && props.state.event !== null ? change({ event: null }, true) : goBack()),
  });
  createEffect(() => {
    const session = source.session();
    if (session) document.title = `${whoText(session)} · ${session.application ?? "session"} · Kymo`;
  });

  return (
    <Show
      when={!source.missing()}
      fallback={<Missing detail={source.failure() ?? ""} list_url={listUrl(props.list_state)} onRetry={retry} />}
    >
      <SessionPage
        state={props.state} change={change} events={events} source={source} selection={selection}
        onBack={goBack} onCopyLink={() => void copyLink()} onRetry={retry}
      />
    </Show>
  );
}

interface SessionPageProps {
  state: SessionPageState;
  change: Change;
  events: EventList;
  source: SessionSource;
  selection: Selection;
  onBack: () => void;
  onCopyLink: () => void;
  onRetry: () => void;
}

function SessionPage(props: SessionPageProps): JSX.Element {
  const { source, events, selection } = props;
  const waiting = createDelayed(() => source.session() === null && source.failure() === null);
  const selected_ms = () => {
    const event = selection.selected();
    return event ? parseTime(event.time) : null;
  };
  return (
    <section class="session" aria-label="Session">
      <Show when={source.failure()}>
        {(detail) => <Failure what="The session could not be read." detail={detail()} onRetry={props.onRetry} />}
      </Show>
      <SessionHeader session={source.session()} waiting={waiting()} onBack={props.onBack} onCopyLink={props.onCopyLink} />
      <LargeKymogram
        session={source.session()}
        density={source.density()}
        selected_ms={selected_ms()}
        onTime={selection.jumpToTime}
        onError={selection.jumpToErrorAt}
      />
      <SessionToolbar
        state={props.state}
        session={source.session()}
        total={events.ready() ? events.total() : null}
        onChange={props.change}
      />
      <Show
        when={props.state.tab === "events"}
        fallback={<Show when={source.session()}>{(session) => <Environment session={session()} />}</Show>}
      >
        <EventsPanel {...props} />
      </Show>
    </section>
  );
}

function EventsPanel(props: SessionPageProps): JSX.Element {
  const { source, events, selection } = props;
  let table: EventTableHandle | undefined;
  const filter_key = () => `${props.state.text}\n${props.state.severity}\n${props.state.errors}`;
  // Wherever the selection came from, its row is brought into sight, reading up to it if need be.
  createEffect(on([() => props.state.event, filter_key], async ([sequence]) => {
    if (sequence === null) return;
    const index = await events.findSequence(sequence);
    if (index >= 0 && props.state.event === sequence) table?.reveal(index);
  }));
  return (
    <div class="split" id="tab-panel" role="tabpanel" aria-label="Events" classList={{ "has-selection": props.state.event !== null }}>
      <EventTable
        events={events}
        session={source.session()}
        selected={selection.selected()}
        is_filtered={props.state.text !== "" || props.state.severity !== null || props.state.errors}
        noun={props.state.errors ? "error" : "event"}
        is_failure_told={source.failure() !== null}
        text={props.state.text}
        onSelect={(event) => props.change({ event: event.sequence }, true)}
        onClearFilter={() => props.change({ text: "", severity: null, errors: false })}
        handle={(handle) => (table = handle)}
      />
      <EventDetails
        event={selection.selected()}
        is_missing={props.state.event !== null && events.ready() && !events.loading()}
        session={source.session()}
        onClose={() => props.change({ event: null }, true)}
        onStepError={selection.stepError}
      />
    </div>
  );
}

function Missing(props: { detail: string; list_url: string; onRetry: () => void }): JSX.Element {
  return (
    <section class="message-panel">
      <h1>This session is not here</h1>
      <p class="quiet">It may have been removed, or the address is not complete. The server said: {props.detail}</p>
      <div class="actions">
        <a class="button" href={props.list_url}>All sessions</a>
        <button type="button" class="button" onClick={() => props.onRetry()}>Try again</button>
      </div>
    </section>
  );
}

/** On a narrow screen the details take room from the list, as in session.css. */
function isNarrow(): boolean {
  return matchMedia("(max-width: 900px)").matches;
}
