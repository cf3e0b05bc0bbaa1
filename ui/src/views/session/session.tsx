// One session: its header, its kymogram, its events and the details of the selected one.

import { createEffect, createMemo, createSignal, Match, on, Show, Switch, untrack, type JSX } from "solid-js";
import { failureText } from "../../api/client";
import type { Density } from "../../api/types";
import { withTerm } from "../../derive/events/filter_terms";
import { countOf } from "../../derive/events/event_rows";
import { eventsOf, isSessionError, NO_TAIL } from "../../derive/events/tail";
import { gapsOf, type TimeSpan } from "../../derive/kymogram";
import { densityWith } from "../../derive/live/live_density";
import { withThread } from "../../derive/over_time/threads";
import { whoText } from "../../derive/session_text";
import { parseTime } from "../../derive/time";
import { listUrl, sessionUrl, type ListState, type SessionPageState } from "../../derive/url_state";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { createCoalesced, createDelayed } from "../../state/refresh";
import { createErrorSteps } from "../../state/session/error_steps";
import { createEventList, type EventFilter, type EventList } from "../../state/session/event_list";
import { createLiveFollow, type LiveFollow } from "../../state/session/live_follow";
import { nextOfUser } from "../../state/session/related";
import { createSelection, type Selection } from "../../state/session/selection";
import { createSessionErrors, type SessionErrors } from "../../state/session/session_errors";
import { createSessionSource, type SessionSource } from "../../state/session/session_page";
import type { Looked } from "../../state/over_time/over_time";
import { LargeKymogram, NO_LIFE } from "../kymogram/large_kymogram";
import { sessionSpan } from "../kymogram/row_kymogram";
import { Failure } from "../parts/failure";
import { FilterContext } from "./details/filter_actions";
import { Environment } from "./environment";
import { ErrorsTab } from "./errors_tab";
import { EventsPanel } from "./events_panel";
import { hasLiveBar, LiveBar } from "./live/live_bar";
import type { Axis } from "./over_time/axis";
import { MetricsTab, ThreadsTab } from "./over_time/late";
import { PartialNote } from "./partial_note";
import { RangeBar } from "./range_bar";
import { RelatedTab } from "./related_tab";
import { SessionHeader } from "./session_header";
import { SessionToolbar } from "./session_toolbar";

export interface SessionViewProps {
  state: SessionPageState;
  list_state: ListState;
}

export type Change = (part: Partial<SessionPageState>, replace?: boolean) => void;

/** All that the parts of the page share. */
export interface SessionPageProps {
  state: SessionPageState;
  change: Change;
  filter: EventFilter;
  events: EventList;
  source: SessionSource;
  selection: Selection;
  live: LiveFollow;
  paused: boolean;
  setPaused: (paused: boolean) => void;
  onBack: () => void;
  onCopyLink: () => void;
  onNeighbour: (direction: 1 | -1) => void;
  onRetry: () => void;
  onFollow: () => void;
}

export function SessionView(props: SessionViewProps): JSX.Element {
  const app = useApp();
  const filter = createMemo<EventFilter>((last) => {
    const { id, filter, severity, errors, from_ms, to_ms } = props.state;
    const next = { id, filter, severity, errors, from_ms, to_ms };
    return last && JSON.stringify(last) === JSON.stringify(next) ? last : next;
  });
  const [paused, setPausedNow] = createSignal(false);
  const source = createSessionSource(app, () => props.state.id, filter, () => !paused() && events.refresh(), () => events.stored_until());
  const live = createLiveFollow(app, { session: source.session, filter, follow: () => props.state.follow, paused });
  const events: EventList = createEventList(app, filter, { live: live.tail, isKnown: source.isKnown, firstIndex: (list) => firstIndex(list, props.state) });
  const change: Change = (part, replace = false) =>
    app.router.navigate(sessionUrl({ ...props.state, ...part }), { replace });
  const selection = createSelection(app, {
    events,
    errors: createErrorSteps(app, filter, () => eventsOf(events.pages().tail ?? NO_TAIL)),
    session: source.session,
    sequence: () => props.state.event,
    choose: (event) => change({ event, tab: "events", follow: false }, true),
  });
  const setPaused = (is_paused: boolean) => {
    setPausedNow(is_paused);
    if (!is_paused) events.refresh();
  };
  const actions = createActions({ props, source, events, selection, live, change, paused, setPaused });
  createEffect(() => {
    const session = source.session();
    if (session) document.title = `${whoText(session)} · ${session.application ?? "session"} · Kymo`;
  });

  return (
    <Show
      when={!source.missing()}
      fallback={<Missing detail={source.failure() ?? ""} list_url={listUrl(props.list_state)} onRetry={actions.onRetry} />}
    >
      <FilterContext.Provider value={{ add: (term, is_out) => change({ filter: withTerm(props.state.filter, term, is_out), tab: "events" }) }}>
        <SessionPage
          state={props.state} change={change} filter={filter()} events={events} source={source} selection={selection} live={live}
          paused={paused()} setPaused={setPaused} {...actions}
        />
      </FilterContext.Provider>
    </Show>
  );
}

interface ActionSource {
  props: SessionViewProps;
  source: SessionSource;
  events: EventList;
  selection: Selection;
  live: LiveFollow;
  change: Change;
  paused: () => boolean;
  setPaused: (paused: boolean) => void;
}

type Actions = Pick<SessionPageProps, "onBack" | "onCopyLink" | "onNeighbour" | "onRetry" | "onFollow">;

/** What can be done with the session, by button and by key. */
function createActions({ props, source, events, selection, live, change, paused, setPaused }: ActionSource): Actions {
  const app = useApp();
  const onBack = () => app.router.back(listUrl(props.list_state));
  const copyLink = async () =>
    app.notify((await copyText(location.href)) ? "Link copied" : "The browser did not allow to copy");
  const goToNeighbour = async (direction: 1 | -1) => {
    const session = source.session();
    if (!session) return;
    if (!session.user) return app.notify("This session names no user");
    try {
      const found = await nextOfUser(app, session, direction);
      if (found) app.router.navigate(sessionUrl({ id: found.id, tab: props.state.tab }));
      else app.notify(`No ${direction === 1 ? "later" : "earlier"} session of ${whoText(session)}`);
    } catch (cause) {
      app.notify(failureText(cause));
    }
  };
  const toggleFollow = () => {
    if (source.session()?.state === "ended" && !props.state.follow) return app.notify("This session has ended: nothing comes any more");
    // Scrolling up leaves the end and what comes goes on; who says so ends it.
    if (props.state.follow) live.stop();
    change({ follow: !props.state.follow, tab: "events" }, true);
  };

  app.keys.bind({
    e: () => selection.stepError(1),
    E: () => selection.stepError(-1),
    y: () => void copyLink(),
    f: toggleFollow,
    r: () => change({ grouped: !props.state.grouped }, true),
    "[": () => void goToNeighbour(-1),
    "]": () => void goToNeighbour(1),
    Escape: () => (isNarrow() && props.state.event !== null ? change({ event: null }, true) : onBack()),
  });
  const can_pause = createMemo(() => paused() || (source.session() !== null && source.session()?.state !== "ended"));
  // Of a session that is over, space scrolls as it does elsewhere.
  createEffect(on(can_pause, (can) => can && app.keys.bind({ " ": () => setPaused(!paused()) })));

  return {
    onBack,
    onCopyLink: () => void copyLink(),
    onNeighbour: (direction) => void goToNeighbour(direction),
    onFollow: toggleFollow,
    onRetry() {
      source.retry();
      events.retry();
    },
  };
}

/** One begins at what the address names: an event, else the end if that is followed, else the start. */
async function firstIndex(list: EventList, state: SessionPageState): Promise<number> {
  if (state.event !== null) return (await list.locate(state.event))?.index ?? 0;
  return state.follow ? Math.max(0, (await list.count()) - 1) : 0;
}

function rangeOf({ from_ms, to_ms }: SessionPageState): TimeSpan | null {
  return from_ms === null || to_ms === null ? null : { from_ms, to_ms };
}

/** What comes live is counted anew for the kymogram: some milliseconds of work with as many events as are kept. */
const DRAW_GAP_MS = 250;

function SessionPage(props: SessionPageProps): JSX.Element {
  const { source, events, selection, live } = props;
  const app = useApp();
  const mark = createSignal<number | null>(null);
  const waiting = createDelayed(() => source.session() === null && source.failure() === null);
  const range = createMemo(() => rangeOf(props.state));
  const onRange = (next: TimeSpan | null) => props.change({ from_ms: next?.from_ms ?? null, to_ms: next?.to_ms ?? null, follow: false });
  const selected_ms = () => {
    const event = selection.selected();
    return event ? parseTime(event.time) : null;
  };
  const life = createMemo(() => {
    const session = source.session();
    return session ? sessionSpan(session, session.state === "running" ? app.now_ms() : 0) : NO_LIFE;
  });
  // Drawn anew a few times a second; and not between that events have gone over to what is stored and that they are counted there.
  const [draws, setDraws] = createSignal(0);
  const drawAgain = createCoalesced(async () => void setDraws((count) => count + 1), DRAW_GAP_MS);
  createEffect(on(() => events.pages().tail, drawAgain, { defer: true }));
  const density = createMemo<Density | null>((last) => {
    draws();
    const stored = source.density();
    if (source.density_until() !== events.stored_until()) return last;
    return densityWith(stored, untrack(() => events.pages().tail ?? NO_TAIL), life());
  }, null);
  const axis: Axis = {
    mark, onRange, life,
    span: () => range() ?? life(),
    gaps: createMemo(() => gapsOf(density()?.gaps ?? [])),
  };
  const looked: Looked = { id: () => props.state.id, range, changes: () => source.session()?.event_count };
  return (
    <section class="session" aria-label="Session">
      <Show when={source.session() === null && source.failure()}>
        {(detail) => <Failure what="The session could not be read." detail={detail()} onRetry={props.onRetry} />}
      </Show>
      <SessionHeader
        session={source.session()} waiting={waiting()} onBack={props.onBack} onCopyLink={props.onCopyLink}
        onNeighbour={props.onNeighbour} onPinned={source.retry}
      />
      <Show when={!live.tail.is_joined() && source.session()}>{(session) => <PartialNote session={session()} onRequested={source.retry} />}</Show>
      <div class="kymogram-frame">
        <LargeKymogram
          session={source.session()}
          density={density()}
          range={range()}
          selected_ms={selected_ms()}
          mark={mark}
          is_filtered={props.filter.filter !== "" || props.filter.severity !== null || props.filter.errors}
          onTime={selection.jumpToTime}
          onError={selection.jumpToErrorAt}
          onRange={onRange}
        />
        <KymogramFailure source={source} onRetry={props.onRetry} />
      </div>
      <Show when={range() && source.session()}>
        {(session) => <RangeBar session={session()} range={range() as TimeSpan} onRange={onRange} />}
      </Show>
      <LiveBar
        session={source.session()} live={live} count={countOf(events.pages())}
        is_following={props.state.follow} paused={props.paused} onFollow={props.onFollow} onPause={props.setPaused}
      />
      <SessionToolbar
        state={props.state}
        filter={props.filter}
        session={source.session()}
        error_count={Math.max(source.session()?.error_count ?? 0, live.info()?.error_count ?? 0)}
        total={events.ready() ? countOf(events.pages()) : null}
        onFollow={props.onFollow}
        has_live_bar={hasLiveBar(source.session(), live)}
        paused={props.paused}
        onPause={props.setPaused}
        onChange={props.change}
      />
      <Switch>
        <Match when={props.state.tab === "events"}><EventsPanel {...props} /></Match>
        <Match when={props.state.tab === "errors"}><SessionErrorsTab {...props} /></Match>
        <Match when={props.state.tab === "threads"}>
          <ThreadsTab
            looked={looked} axis={axis} filter={props.state.filter}
            onThread={(id) => props.change({ filter: withThread(props.state.filter, id), tab: "events" })}
          />
        </Match>
        <Match when={props.state.tab === "metrics"}>
          <MetricsTab looked={looked} axis={axis} charts={props.state.charts} onCharts={(charts) => props.change({ charts }, true)} />
        </Match>
        <Match when={props.state.tab === "environment"}>
          <Show when={source.session()}>{(session) => <Environment session={session()} />}</Show>
        </Match>
        <Match when={props.state.tab === "related"}>
          <Show when={source.session()}>{(session) => <RelatedTab session={session()} />}</Show>
        </Match>
      </Switch>
    </section>
  );
}

/** Over the drawing, so that nothing moves below it: what one reads may go on being right. */
function KymogramFailure(props: { source: SessionSource; onRetry: () => void }): JSX.Element {
  const { source } = props;
  return (
    <Switch>
      <Match when={source.session() !== null && source.failure()}>
        {(detail) => <Failure what="The session could not be read again." detail={detail()} onRetry={props.onRetry} />}
      </Match>
      <Match when={source.density_failure()}>
        {(detail) => <Failure what="The kymogram could not be read." detail={detail()} onRetry={source.retryDensity} />}
      </Match>
    </Switch>
  );
}

/** All errors of the range, whatever else the list is filtered by. */
function SessionErrorsTab(props: SessionPageProps): JSX.Element {
  const app = useApp();
  const filter = createMemo<EventFilter>(() => ({ ...props.filter, filter: "", severity: null, errors: true }));
  const stored = createSessionErrors(app, filter, () => props.source.session()?.error_count);
  /** Behind those that are stored. */
  const live = createMemo(() => {
    const last = stored.events()?.at(-1)?.sequence ?? 0;
    return eventsOf(props.events.pages().tail ?? NO_TAIL).filter((event) => isSessionError(event) && event.sequence > last);
  });
  const errors: SessionErrors = {
    ...stored,
    events: () => {
      const known = stored.events();
      return known && [...known, ...live()];
    },
    total: () => stored.total() + live().length,
  };
  return (
    <ErrorsTab
      errors={errors}
      session={props.source.session()}
      onOpen={(event) => props.change({ event: event.sequence, tab: "events" })}
      onAll={() => props.change({ filter: "", severity: null, errors: true, tab: "events" })}
      onFilter={(term) => props.change({ filter: term, severity: null, errors: false, tab: "events" })}
    />
  );
}

function Missing(props: { detail: string; list_url: string; onRetry: () => void }): JSX.Element {
  return (
    <section class="message-panel">
      <h1>This session is not here</h1>
      <p class="quiet">
        It may have been removed, by retention or by somebody, or the address is not complete, or it is of a project that you do not see.
        The server said: {props.detail}
      </p>
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
