// The errors of a session by what they are: type and message alike, numbers and ids in it aside.

import type { SeverityLevel, SessionEvent } from "../../api/types";
import { frameNameText, framePlaceText, isLibraryFrame } from "../frames";
import { eventText } from "../session_text";
import { worse } from "../severity";

export interface ErrorGroup {
  key: string;
  /** Type of the exception, or the category of a line that is an error without one. */
  type: string;
  /** Of the first one. */
  message: string;
  /** Where in own code the first one came from. */
  place: string | null;
  worst: SeverityLevel;
  events: SessionEvent[];
}

/** In order of first appearance; the events of a group in theirs. */
export function errorGroups(events: readonly SessionEvent[]): ErrorGroup[] {
  const groups = new Map<string, ErrorGroup>();
  for (const event of events) {
    const type = event.exception?.type ?? event.category ?? event.kind;
    const message = firstLine(event.exception?.message ?? eventText(event));
    const key = `${type}\n${withoutNumbers(message)}`;
    const group = groups.get(key);
    if (group) {
      group.events.push(event);
      group.worst = worse(group.worst, event.severity);
    } else groups.set(key, { key, type, message, place: placeOf(event), worst: event.severity, events: [event] });
  }
  return [...groups.values()];
}

/** Ids, addresses in memory and counts differ from one occurrence to the next. */
function withoutNumbers(text: string): string {
  return text.replace(/\b(0x)?[0-9a-f]*\d[0-9a-f-]*\b/gi, "0");
}

export function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

function placeOf(event: SessionEvent): string | null {
  const frames = event.exception?.frames ?? [];
  const frame = frames.find((candidate) => !isLibraryFrame(candidate)) ?? frames[0];
  return frame ? [frameNameText(frame), framePlaceText(frame)].filter(Boolean).join(" · ") : null;
}
