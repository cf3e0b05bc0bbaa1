// The selected event in full: message, exception chain, request, attributes, or the raw JSON.

import { createMemo, createSignal, For, Match, Show, Switch, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../../api/types";
import { requestOf } from "../../../derive/events/request";
import { templateOf } from "../../../derive/events/template";
import { exceptionChain } from "../../../derive/frames";
import { ownMessage } from "../../../derive/session_text";
import { eventUrl } from "../../../derive/url_state";
import { useApp } from "../../../state/app";
import { copyText } from "../../../state/clipboard";
import { createDelayed } from "../../../state/refresh";
import type { Selection } from "../../../state/session/selection";
import { Failure } from "../../parts/failure";
import { AttributeTree } from "./attribute_tree";
import { EventFacts } from "./event_facts";
import { ExceptionView } from "./exception";
import { RequestView } from "./request";
import { UserDescriptionView } from "./user_description";

export interface EventDetailsProps {
  selection: Selection;
  /** Sequence of the event that is selected, shown or not. */
  sequence: number | null;
  /** The filter leaves the selected event out of the list. */
  is_hidden: boolean;
  session: Session | null;
  onClose: () => void;
  onClearFilter: () => void;
}

export function EventDetails(props: EventDetailsProps): JSX.Element {
  const { selection } = props;
  const waiting = createDelayed(() => props.sequence !== null && selection.selected() === null && selection.failure() === null);
  return (
    <aside class="details" id="event-details" role="complementary" aria-label="Event details" tabindex="-1" data-keys="own">
      <Switch>
        <Match when={selection.selected()}>
          {(event) => (
            <>
              <Show when={props.is_hidden}>
                <p class="hidden-note">
                  The filter or the range leaves this event out of the list.
                  <button type="button" class="link-button" onClick={() => props.onClearFilter()}>Show all events</button>
                </p>
              </Show>
              <EventBody event={event()} session={props.session} onClose={props.onClose} />
            </>
          )}
        </Match>
        <Match when={props.sequence !== null && selection.failure()}>
          {(failure) => (
            <Show
              when={failure().is_missing}
              fallback={<Failure what="The event could not be read." detail={failure().text} onRetry={selection.retry} />}
            >
              <div class="no-event quiet">
                <p>This session has no event {props.sequence}. It may have been removed, or the address is not complete.</p>
                <p><button type="button" class="button" onClick={() => props.onClose()}>Close</button></p>
              </div>
            </Show>
          )}
        </Match>
        <Match when={props.sequence !== null}>
          <div class="no-event quiet" aria-busy="true">{waiting() ? "Reading the event…" : ""}</div>
        </Match>
        <Match when={true}><NoEvent {...props} /></Match>
      </Switch>
    </aside>
  );
}

function NoEvent(props: EventDetailsProps): JSX.Element {
  const has_errors = () => (props.session?.error_count ?? 0) > 0;
  return (
    <div class="no-event quiet">
      <p>Select an event to see all of it.</p>
      <Show when={has_errors()}>
        <p><button type="button" class="button" onClick={() => props.selection.stepError(1)}>Go to the first error</button></p>
      </Show>
      <p class="key-hints">
        <span><kbd>j</kbd> <kbd>k</kbd> next, before</span>
        <Show when={has_errors()}><span><kbd>e</kbd> next error</span></Show>
        <span><kbd>/</kbd> filter</span>
        <span><kbd>?</kbd> all keys</span>
      </p>
    </div>
  );
}

export function EventBody(props: { event: SessionEvent; session: Session | null; onClose?: () => void }): JSX.Element {
  const app = useApp();
  const [raw, setRaw] = createSignal(false);
  const json = () => JSON.stringify(props.event, null, 2);
  const copy = async (text: string, done: string) => app.notify((await copyText(text)) ? done : "The browser did not allow to copy");
  return (
    <>
      <div class="details-bar">
        <div class="choice" role="group" aria-label="Form of the details">
          <button type="button" aria-pressed={!raw()} onClick={() => setRaw(false)}>Details</button>
          <button type="button" aria-pressed={raw()} onClick={() => setRaw(true)}>Raw JSON</button>
        </div>
        <button
          type="button"
          class="button small"
          title="Copy a link to this event alone, whatever the filter"
          onClick={() => void copy(location.origin + eventUrl(props.event.id), "Link to the event copied")}
        >
          Link
        </button>
        <button type="button" class="button small" title="Copy the event as JSON" onClick={() => void copy(json(), "Event copied as JSON")}>Copy</button>
        <Show when={props.onClose}>
          {(onClose) => <button type="button" class="button small close" aria-label="Close the details" onClick={() => onClose()()}>×</button>}
        </Show>
      </div>
      <div class="details-body">
        <Show when={!raw()} fallback={<pre class="raw" tabindex="0">{json()}</pre>}>
          <Readable event={props.event} session={props.session} />
        </Show>
      </div>
    </>
  );
}

function Readable(props: { event: SessionEvent; session: Session | null }): JSX.Element {
  const request = createMemo(() => requestOf(props.event.attributes));
  const template = createMemo(() => templateOf(props.event.attributes));
  return (
    <>
      <EventFacts event={props.event} session={props.session} />
      <Show when={ownMessage(props.event)}>{(message) => <p class="message">{message()}</p>}</Show>
      <Show when={template()}>
        {(found) => (
          <section class="template" aria-label="Template">
            <p><span class="quiet">from </span><span class="mono">{found().text}</span></p>
            <For each={found().arguments}>
              {(argument) => <div class="leaf"><span class="key">{argument.name}</span><span class="value">{argument.value}</span></div>}
            </For>
          </section>
        )}
      </Show>
      <Show when={props.event.user_description}>{(said) => <UserDescriptionView said={said()} />}</Show>
      <For each={exceptionChain(props.event.exception)}>
        {(exception, index) => <ExceptionView exception={exception} is_cause={index() > 0} />}
      </For>
      <Show when={request()}>{(found) => <RequestView request={found()} />}</Show>
      <Show when={Object.keys(props.event.attributes).length > 0}>
        <section aria-label="Attributes">
          <h2>Attributes</h2>
          <AttributeTree value={props.event.attributes} path={[]} />
        </section>
      </Show>
    </>
  );
}
