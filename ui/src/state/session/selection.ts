// Which event is selected, and the ways to it: a click, the next error, a place on the kymogram.

import { createMemo, createSignal, type Accessor } from "solid-js";
import { failureText } from "../api/client";
import type { SessionEvent } from "../api/types";
import type { App } from "./app";
import type { ErrorIndex } from "./error_index";
import type { EventList } from "./event_list";

export interface Selection {
  selected: Accessor<SessionEvent | null>;
  stepError(direction: 1 | -1): void;
  jumpToTime(time_ms: number): void;
  jumpToErrorAt(time_ms: number): void;
}

export interface SelectionSource {
  events: EventList;
  errors: ErrorIndex;
  /** Sequence of the selected event, from the address. */
  sequence: Accessor<number | null>;
  /** Puts the sequence into the address. */
  choose(sequence: number): void;
}

export function createSelection(app: App, { events, errors, sequence, choose }: SelectionSource): Selection {
  /** An event that was jumped to is shown at once, even while the list still reads up to it. */
  const [jumped_to, setJumpedTo] = createSignal<SessionEvent | null>(null);

  const selected = createMemo<SessionEvent | null>(() => {
    const wanted = sequence();
    if (wanted === null) return null;
    const jumped = jumped_to();
    return events.rows().find((event) => event.sequence === wanted) ?? (jumped?.sequence === wanted ? jumped : null);
  });

  async function jump(find: Promise<SessionEvent | null>, otherwise: string): Promise<void> {
    try {
      const event = await find;
      if (!event) return app.notify(otherwise);
      setJumpedTo(event);
      choose(event.sequence);
    } catch (cause) {
      app.notify(failureText(cause));
    }
  }

  return {
    selected,
    stepError: (direction) =>
      void jump(errors.step(selected(), direction), direction === 1 ? "No further error" : "No error before"),
    jumpToTime: (time_ms) => void jump(events.firstFrom(time_ms), "No event there"),
    jumpToErrorAt: (time_ms) => void jump(errors.firstFrom(time_ms), "No such error in this filter"),
  };
}
