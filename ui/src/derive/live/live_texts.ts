// What is said of sessions that run: rates, clocks, lines that lag, and what is not here.

import type { LiveSession } from "../../api/types";
import { countedText, countText } from "../number";
import { durationWords } from "../time";
import type { TailGap } from "../events/tail";

/** `0`, `0.3`, `12`, `1,204`. */
export function rateText(per_second: number): string {
  if (per_second <= 0) return "0";
  if (per_second < 0.1) return "< 0.1";
  return per_second < 10 ? String(Number(per_second.toFixed(1))) : countText(per_second);
}

/** Less than this is how exactly it is measured. */
const CLOCK_OFF_MS_MIN = 100;

/** How the program's clock stands to the server's; `null`: it was not measured. */
export function clockOffsetText(ahead_ms: number | null): string | null {
  if (ahead_ms === null) return null;
  const off_ms = Math.abs(ahead_ms);
  if (off_ms < CLOCK_OFF_MS_MIN) return "its clock is right";
  const by = off_ms < 10_000 ? `${Number((off_ms / 1000).toFixed(1))} s` : durationWords(off_ms / 1000);
  return `its clock is ${by} ${ahead_ms > 0 ? "ahead" : "behind"}`;
}

/** How far what is here is behind the program. */
export function lagText({ agent_has, server_has }: { agent_has: number; server_has: number }): string {
  return `the line is slow: ${countText(Math.max(0, agent_has - server_has))} behind`;
}

/** How many run, of which the list may hold only the newest. */
export function runningText(listed: number, total: number): string {
  return total > listed ? `the newest ${countText(listed)} of ${countText(total)}` : `${countedText(total, "session")} ${total === 1 ? "runs" : "run"} now`;
}

export function whoRuns(session: LiveSession): string {
  if (session.user) return session.user.name?.trim() || session.user.id || "anonymous";
  if (session.kind === "process") return session.host ?? session.application ?? "process";
  return "anonymous";
}

/** What a row says instead of the events that are not here. */
export function gapText(gap: TailGap): string {
  if (gap.gap === "dropped") {
    return `${countedText(gap.count, "older event")} ${gap.count === 1 ? "was" : "were"} let go to spare memory. They are back as soon as they are stored, which “Send now” asks for.`;
  }
  const many = gap.last - gap.first + 1;
  const why = gap.why ? ` (${gap.why})` : "";
  return `${countedText(many, "record")} did not come${why}. Events among them appear here as soon as they are stored.`;
}

/** Newest first: rows that are there do not change places while they run. */
export function inOrder(sessions: readonly LiveSession[]): LiveSession[] {
  const started = (session: LiveSession) => Date.parse(session.started_at);
  return [...sessions].sort((one, other) => started(other) - started(one) || (one.id < other.id ? -1 : 1));
}

