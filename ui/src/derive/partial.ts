// Whether a program's session is here in full, and in words what of it is not.

import type { Session } from "../api/types";
import { countedText, countText } from "./number";

/** What a server tells that knows of wishes; older ones do not. */
interface Wishes {
  messages?: number;
  awaited_errors?: number;
  requested?: boolean;
}

export interface Partial {
  text: string;
  /** Somebody asked for it already. */
  is_requested: boolean;
}

/** `null`: nothing is missing that could be asked for. A session that is just being sent misses a little for a moment. */
export function partialOf(session: Session): Partial | null {
  const process: (NonNullable<Session["process"]> & Wishes) | null = session.process;
  if (!process) return null;
  const told = Math.max(process.recorded, process.messages ?? 0);
  const missing = Math.max(process.missing, told - session.event_count, 0);
  if (missing === 0 || (session.state === "running" && missing < session.event_count)) return null;
  const errors = process.awaited_errors ?? 0;
  const what = session.event_count === 0
    ? `Only that this session exists is known here: it has ${countedText(told, "event")} or more, none of which was sent.`
    : `This session is not here in full: ${countText(missing)} of ${countedText(told, "event")} ${missing === 1 ? "is" : "are"} missing.`;
  const of_errors = errors > 0 ? ` ${countedText(errors, "error")} ${errors === 1 ? "is" : "are"} among what did not come.` : "";
  return { text: what + of_errors, is_requested: process.requested ?? false };
}
