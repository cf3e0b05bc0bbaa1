// Pages of a list of events as they are read: where events go, which page is missing, which may be forgotten.

import type { SessionEvent } from "../../api/types";
import type { EventPages } from "./event_rows";

/** Of events, by their index; both included. */
export interface EventSpan {
  first: number;
  last: number;
}

export function noPages(size: number): EventPages {
  return { size, total: 0, read: new Map() };
}

/** Puts events that lie beside each other at their places. `known`: events that stay the same object where they stay the same event. */
export function withEvents(before: EventPages, first_index: number, items: readonly SessionEvent[], total: number, known = before): EventPages {
  const { size } = before;
  const read = new Map(before.read);
  for (let place = 0; place < items.length; ) {
    const index = first_index + place;
    const number = Math.floor(index / size);
    const from = index % size;
    const part = items.slice(place, place + size - from);
    const old = known.read.get(number);
    const same = part.map((item, at) => {
      const event = old?.[from + at];
      return event?.sequence === item.sequence && event.session_id === item.session_id ? event : item;
    });
    const page = read.get(number) ?? [];
    read.set(number, [...page.slice(0, from), ...same, ...page.slice(from + same.length)]);
    place += part.length;
  }
  return { ...before, total, read };
}

/** The first page of those wanted that is not read, or not as far as there are events; -1 if there is none. */
export function missingPage({ size, total, read }: EventPages, wanted: EventSpan): number {
  const last = Math.floor(Math.min(wanted.last, total - 1) / size);
  for (let number = Math.floor(Math.max(0, wanted.first) / size); number <= last; number += 1) {
    if ((read.get(number)?.length ?? 0) < Math.min(size, total - number * size)) return number;
  }
  return -1;
}

/** At most so many pages: those nearest to what is looked at, and the last one, which is where new events go. */
export function withoutFar(pages: EventPages, looked_at: EventSpan, pages_max: number): EventPages {
  if (pages.read.size <= pages_max) return pages;
  const last = Math.floor((pages.total - 1) / pages.size);
  const middle = (looked_at.first + looked_at.last) / 2 / pages.size;
  const distance = (number: number) => (number === last ? -1 : Math.abs(number - middle));
  const kept = [...pages.read].sort(([one], [other]) => distance(one) - distance(other)).slice(0, pages_max);
  return { ...pages, read: new Map(kept) };
}
