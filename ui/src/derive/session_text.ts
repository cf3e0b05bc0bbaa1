// What a session is called and how it is described in one line.

import type { Session, SessionEvent, User } from "../api/types";
import { browserText } from "./user_agent";

/** The name of a user, else the id; agents may send either. */
export function userText(user: User): string {
  return user.name?.trim() || user.id || "anonymous";
}

/** Who: the user, else what is known instead, so that every row has something to click. */
export function whoText(session: Session): string {
  if (session.user) return userText(session.user);
  if (session.kind === "process") return session.host ?? session.application ?? "process";
  if (session.kind === "browser") return visitText(session);
  return session.external_id ?? "anonymous";
}

/** Characters of a visit's id that tell visits of one list apart. */
const VISIT_CHARS = 8;

/** Tabs of one visit are called the same. */
function visitText(session: Session): string {
  const id = session.visit_id ?? session.external_id;
  return id ? `visit ${id.slice(0, VISIT_CHARS)}` : "anonymous";
}

/** What came for the session and is not in its list: `2 duplicates, 1 late heartbeat`. */
export function droppedText(dropped: Record<string, number>): string | null {
  const parts = Object.entries(dropped).map(([reason, count]) => `${count} ${reason.replaceAll("_", " ")}${count === 1 ? "" : "s"}`);
  return parts.join(", ") || null;
}

export function applicationText(session: Session): string {
  return [session.application, session.version].filter(Boolean).join(" ");
}

/** Where it ran: for a browser the browser, else host and operating system. */
export function whereText(session: Session): string {
  if (session.user_agent) return browserText(session.user_agent);
  return [session.host, session.os].filter(Boolean).join(" · ");
}

/** What a program's files say that is not here: `900 events missing`, `3 lost (disk full)`. */
export function missingText(session: Session): string | null {
  const process = session.process;
  if (!process) return null;
  const lost = Object.entries(process.lost).map(([reason, count]) => `${count} lost (${reason.replaceAll("_", " ")})`);
  const missing = process.missing > 0 ? [`${process.missing} ${process.missing === 1 ? "event" : "events"} missing`] : [];
  return [...missing, ...lost].join(", ") || null;
}

/** How it ended, or that it has not. */
export function endText(session: Session): string {
  if (session.state === "running") return "running";
  if (session.state === "silent") return "silent";
  switch (session.end_reason) {
    case "normal": return "ended normally";
    case "timed_out": return "timed out";
    case "crashed": return "crashed";
    case "killed": return "killed";
    case "lost_power": return "lost power";
    default: return "ended, unknown how";
  }
}

/** The first line of an event: its message, else its exception, else what its kind says. */
export function eventText(event: SessionEvent): string {
  const message = event.message?.trim();
  const exception = event.exception;
  if (!exception) return message || sentenceOf(event);
  const inner = exception.message?.trim();
  if (message && message !== inner && message !== exception.type) return message;
  // Browsers tell the type themselves: "Uncaught TypeError: …".
  const is_told = exception.type && inner?.includes(exception.type);
  return [is_told ? null : exception.type, inner].filter(Boolean).join(": ") || sentenceOf(event);
}

/** For events that need no message: `used: express checkout`. The category is their object then. */
function sentenceOf(event: SessionEvent): string {
  const category = event.category?.trim();
  switch (event.kind) {
    case "session.start": return "session started";
    case "session.end": return "session ended";
    case "usage": return category ? `used: ${category}` : "used a feature";
    case "not_found": return category ? `not found: ${category}` : "not found";
    default: return category || kindText(event.kind);
  }
}

/** The category, or the kind where there is none or where the text tells it already. */
export function categoryText(event: SessionEvent): { text: string; is_kind: boolean } {
  const is_told = !event.message?.trim() && !event.exception;
  return event.category && !is_told ? { text: event.category, is_kind: false } : { text: kindText(event.kind), is_kind: true };
}

export function kindText(kind: string): string {
  switch (kind) {
    case "session.start":
    case "session.end": return "session";
    case "not_found": return "not found";
    default: return kind;
  }
}

/** The message of an event, if its exception does not say the same. */
export function ownMessage(event: SessionEvent): string | null {
  const message = event.message?.trim();
  const is_told = message === event.exception?.message?.trim() || message === event.exception?.type;
  return message && !is_told ? message : null;
}
