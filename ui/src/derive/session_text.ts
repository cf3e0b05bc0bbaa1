// What a session is called and how it is described in one line.

import type { Session, SessionEvent, User } from "../api/types";
import { browserText } from "./user_agent";

/** The name of a user, else the id. */
export function userText(user: User): string {
  return user.name?.trim() || user.id;
}

/** Who: the user, else what is known instead, so that every row has something to click. */
export function whoText(session: Session): string {
  if (session.user) return userText(session.user);
  if (session.kind === "process") return session.host ?? session.application ?? "process";
  return session.external_id ?? "anonymous";
}

export function applicationText(session: Session): string {
  return [session.application, session.version].filter(Boolean).join(" ");
}

/** Where it ran: for a browser the browser, else host and operating system. */
export function whereText(session: Session): string {
  if (session.user_agent) return browserText(session.user_agent);
  return [session.host, session.os].filter(Boolean).join(" · ");
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

/** The first line of an event: its message, else its exception, else its kind. */
export function eventText(event: SessionEvent): string {
  const message = event.message?.trim();
  const exception = event.exception;
  if (!exception) return message || event.kind;
  const inner = exception.message?.trim();
  if (message && message !== inner) return message;
  return [exception.type, inner].filter(Boolean).join(": ") || event.kind;
}
