// Threads of a session as terms of its filter and in words.

import type { ThreadLane } from "../../api/types";
import { splitTerms, termOf, withTerm } from "../events/filter_terms";
import { countedText } from "../number";

const FIELD = "attributes.thread.id";

export function threadTerm(thread_id: string): string {
  return termOf(FIELD, thread_id);
}

/** The filter is of this thread. */
export function isFilteredBy(filter: string, thread_id: string): boolean {
  return splitTerms(filter).includes(threadTerm(thread_id));
}

/** With this thread in place of any other; without one if it was this. */
export function withThread(filter: string, thread_id: string): string {
  const was_this = isFilteredBy(filter, thread_id);
  const rest = splitTerms(filter).filter((part) => !part.startsWith(`${FIELD}:`)).join(" ");
  return was_this ? rest : withTerm(rest, threadTerm(thread_id), false);
}

/** `main`, else its number. */
export function threadName({ name, thread_id }: ThreadLane): string {
  return name ?? (thread_id === null ? "No thread named" : `Thread ${thread_id}`);
}

/** `1,204 events, 3 errors` */
export function laneText({ count, errors }: ThreadLane): string {
  return countedText(count, "event") + (errors > 0 ? `, ${countedText(errors, "error")}` : "");
}
