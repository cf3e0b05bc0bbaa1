// Settings of a project as people read and write them.

import type { ProjectSettings } from "../../api/types";

export type LimitName = "split_after_seconds" | "idle_after_seconds" | "close_grace_seconds" | "browser_idle_after_seconds";

export const LIMITS: readonly { name: LimitName; label: string; explanation: string }[] = [
  { name: "split_after_seconds", label: "Silence that splits", explanation: "After so long without an event, the next one of the same user begins a new session." },
  { name: "idle_after_seconds", label: "Silence that ends", explanation: "After so long without a word a session counts as timed out; a later event can join it again." },
  { name: "close_grace_seconds", label: "After the end", explanation: "So long after it was closed a session still takes what was on its way." },
  { name: "browser_idle_after_seconds", label: "Silence that ends a tab", explanation: "The first two for browser tabs of Loupe, which send nothing while nobody clicks." },
];

export const CLIENT_SETTINGS: readonly { key: string; explanation: string }[] = [
  { key: "@@DataExclusions", explanation: "names with commas between them whose values are never kept: password,*token*" },
  { key: "@@IncludePrivateInformation", explanation: "true or false: whether users, addresses and machine names are kept" },
  { key: "@@log:SOURCE", explanation: "lowest level that clients send: trace, debug, info, warn, error, fatal, off" },
  { key: "@@error:TypeName", explanation: "true or false: whether such errors are sent" },
  { key: "@@UserAgentBotPatterns", explanation: "names of user agents, with *, whose events are not sent" },
];

const UNITS: Record<string, number> = {
  s: 1, sec: 1, second: 1, seconds: 1,
  m: 60, min: 60, minute: 60, minutes: 60,
  h: 3_600, hour: 3_600, hours: 3_600,
  d: 86_400, day: 86_400, days: 86_400,
};

/** `15 min`, `1.5h`, `2 h 30 min`, or seconds; `null`: not a length. */
export function limitSeconds(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(trimmed)) return null;
  let seconds = 0;
  for (const [, count = "", unit = ""] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const of_unit = UNITS[unit];
    if (of_unit === undefined) return null;
    seconds += Number(count) * of_unit;
  }
  return Math.round(seconds);
}

/** In the largest unit of which it is a whole number: what is read can be written. */
export function limitText(seconds: number): string {
  if (seconds > 0 && seconds % 86_400 === 0) return seconds === 86_400 ? "1 day" : `${seconds / 86_400} days`;
  if (seconds > 0 && seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds > 0 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

export function isDefaultLimit(settings: ProjectSettings, name: LimitName): boolean {
  return settings.sessions.defaults.includes(name);
}

/** One a line; a browser names its origin without a slash at the end. */
export function originsOf(text: string): string[] {
  const origins = text.split(/[\s,]+/).filter((part) => part !== "").map((part) => part.replace(/\/+$/, ""));
  return [...new Set(origins)];
}

export function retentionText(days: number | null, default_days: number | null): string {
  const removed = (count: number) => `essions that were silent for ${count === 1 ? "a day" : `${count} days`} are removed with all their events.`;
  if (days !== null) return `S${removed(days)}`;
  if (default_days !== null) return `As the server is set: s${removed(default_days)}`;
  return "Nothing is removed: the server has no limit of its own either.";
}
