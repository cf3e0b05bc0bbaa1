// Which event is selected, and the ways to it: a click, the next error, a place on the kymogram. It is shown whether the
// list has read up to it or not, and also when the filter leaves it out.

import { createEffect, createMemo, createSignal, on, type Accessor } from "solid-js";
import { ApiFailure, failureText, isAborted } from "../../api/client";
import type { Session, SessionEvent } from "../../api/types";
import { eventOf } from "../../derive/events/event_rows";
import type { App } from "../app";
import type { ErrorSteps } from "./error_steps";
import type { EventList } from "./event_list";

export interface Selection {
  selected: Accessor<SessionEvent | null>;
  /** Why nothing is shown though something is selected. */
  failure: Accessor<{ text: string; is_missing: boolean } | null>;
  stepError(direction: 1 | -1): void;
  jumpToTime(time_ms: number): void;
  jumpToErrorAt(time_ms: number): void;
  retry(): void;
}

export interface SelectionSource {
  events: EventList;
  errors: ErrorSteps;
  session: Accessor<Session | null>;
  /** Sequence of the selected event, from the address. */
  sequence: Accessor<number | null>;
  /** Puts the sequence into the address. */
  choose(sequence: number): void;
}

export function createSelection(app: App, { events, errors, session, sequence, choose }: SelectionSource): Selection {
  /** An event that was asked for by itself. */
  const [single, setSingle] = createSignal<SessionEvent | null>(null);
  const [failure, setFailure] = createSignal<{ text: string; is_missing: boolean } | null>(null);

  const listed = createMemo<SessionEvent | null>((last) => {
    const wanted = sequence();
    if (wanted === null) return null;
    return last?.sequence === wanted ? last : eventOf(events.pages(), wanted);
  }, null);
  const selected = () => listed() ?? (single()?.sequence === sequence() ? single() : null);

  async function readSingle(): Promise<void> {
    const wanted = sequence();
    const id = session()?.id;
    setFailure(null);
    if (wanted === null || id === undefined || selected() !== null) return;
    try {
      const event = await app.api.event(`${id}.${wanted}`);
      if (sequence() === wanted) setSingle(event);
    } catch (cause) {
      if (isAborted(cause) || sequence() !== wanted) return;
      setFailure({ text: failureText(cause), is_missing: cause instanceof ApiFailure && cause.status === 404 });
    }
  }
  createEffect(on([sequence, () => session()?.id], () => void readSingle()));

  async function jump(find: Promise<SessionEvent | null>, otherwise: string): Promise<void> {
    try {
      const event = await find;
      if (!event) return app.notify(otherwise);
      setSingle(event);
      choose(event.sequence);
    } catch (cause) {
      app.notify(failureText(cause));
    }
  }

  /** Each step begins where the one before has led. */
  let steps = Promise.resolve();
  return {
    selected,
    failure,
    stepError(direction) {
      steps = steps.then(() => jump(errors.step(selected(), direction), direction === 1 ? "No further error" : "No error before"));
    },
    jumpToTime: (time_ms) => void jump(events.firstFrom(time_ms), "No event there"),
    jumpToErrorAt: (time_ms) => void jump(errors.firstFrom(time_ms), "No such error in this filter"),
    retry: () => void readSingle(),
  };
}
