// The selected event in full: message, exception chain, attributes, or the raw JSON.

import { createSignal, For, Show, type JSX } from "solid-js";
import type { Session, SessionEvent } from "../../api/types";
import { exceptionChain } from "../../derive/frames";
import { severityName } from "../../derive/severity";
import { kindText, ownMessage, userText } from "../../derive/session_text";
import { absoluteText, offsetText, parseTime } from "../../derive/time";
import { useApp } from "../../state/app";
import { copyText } from "../../state/clipboard";
import { AttributeTree } from "./attribute_tree";
import { ExceptionView } from "./exception";
import { UserDescriptionView } from "./user_description";
import { SeverityMark } from "../parts/severity_mark";

export interface EventDetailsProps {
  event: SessionEvent | null;
  /** One is selected but not in the list. */
  is_missing: boolean;
  session: Session | null;
  onClose: () => void;
  onStepError: (direction: 1 | -1) => void;
}

export function EventDetails(props: EventDetailsProps): JSX.Element {
  return (
    <aside class="details" id="event-details" role="complementary" aria-label="Event details" tabindex="-1" data-keys="own">
      <Show when={props.event} fallback={<NoEvent {...props} />}>
        {(event) => <Details {...props} event={event()} />}
      </Show>
    </aside>
  );
}

function NoEvent(props: EventDetailsProps): JSX.Element {
  const has_errors = () => (props.session?.error_count ?? 0) > 0;
  return (
    <div class="no-event quiet">
      <Show
        when={!props.is_missing}
        fallback={<p>The event of this address is not in the list: it may be filtered out.</p>}
      >
        <p>Select an event to see all of it.</p>
        <Show when={has_errors()}>
          <p><button type="button" class="button" onClick={() => props.onStepError(1)}>Go to the first error</button></p>
        </Show>
        <p class="key-hints">
          <span><kbd>j</kbd> <kbd>k</kbd> next, before</span>
          <Show when={has_errors()}><span><kbd>e</kbd> next error</span></Show>
          <span><kbd>/</kbd> filter</span>
          <span><kbd>?</kbd> all keys</span>
        </p>
      </Show>
    </div>
  );
}

function Details(props: EventDetailsProps & { event: SessionEvent }): JSX.Element {
  const app = useApp();
  const [raw, setRaw] = createSignal(false);
  const json = () => JSON.stringify(props.event, null, 2);
  const copy = async () => app.notify((await copyText(json())) ? "Event copied as JSON" : "The browser did not allow to copy");
  return (
    <>
      <div class="details-bar">
        <div class="choice" role="group" aria-label="Form of the details">
          <button type="button" aria-pressed={!raw()} onClick={() => setRaw(false)}>Details</button>
          <button type="button" aria-pressed={raw()} onClick={() => setRaw(true)}>Raw JSON</button>
        </div>
        <button type="button" class="button small" onClick={() => void copy()}>Copy</button>
        <button type="button" class="button small close" aria-label="Close the details" onClick={() => props.onClose()}>×</button>
      </div>
      <div class="details-body">
        <Show when={!raw()} fallback={<pre class="raw" tabindex="0">{json()}</pre>}>
          <Facts event={props.event} session={props.session} />
          <Show when={ownMessage(props.event)}>{(message) => <p class="message">{message()}</p>}</Show>
          <Show when={props.event.user_description}>{(said) => <UserDescriptionView said={said()} />}</Show>
          <For each={exceptionChain(props.event.exception)}>
            {(exception, index) => <ExceptionView exception={exception} is_cause={index() > 0} />}
          </For>
          <Show when={Object.keys(props.event.attributes ?? {}).length > 0}>
            <h2>Attributes</h2>
            <AttributeTree value={props.event.attributes} />
          </Show>
        </Show>
      </div>
    </>
  );
}

function Facts(props: { event: SessionEvent; session: Session | null }): JSX.Element {
  const app = useApp();
  const event = () => props.event;
  const time_ms = () => parseTime(event().time);
  const offset = () => (props.session ? offsetText(time_ms() - parseTime(props.session.started_at)) : "");
  return (
    <dl class="event-facts">
      <dt>Severity</dt>
      <dd><SeverityMark level={event().severity} /> {severityName(event().severity)}</dd>
      <dt>Time</dt>
      <dd>{absoluteText(time_ms(), app.settings.zone.value(), true)} <span class="quiet">{offset()}</span></dd>
      <Show when={event().category}>{(category) => <><dt>Category</dt><dd>{category()}</dd></>}</Show>
      <Show when={event().user}>{(user) => <><dt>User</dt><dd title={user().id ?? undefined}>{userText(user())}</dd></>}</Show>
      <dt>Kind</dt>
      <dd>{kindText(event().kind)} <span class="quiet">no. {event().sequence}</span></dd>
      <Show when={event().reference_id}>{(id) => <><dt>Reference</dt><dd class="mono">{id()}</dd></>}</Show>
    </dl>
  );
}
