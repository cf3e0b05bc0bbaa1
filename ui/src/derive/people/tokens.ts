// Scopes of tokens and how long they hold, in words.

import type { Token } from "../../api/types";
import { absoluteText, parseTime, relativeText, type Zone } from "../time";

export type Scope = "ingest" | "browser" | "read" | "admin";

export const SCOPES: readonly { scope: Scope; label: string; explanation: string }[] = [
  { scope: "ingest", label: "Send", explanation: "Programs on servers and desktops send events with it. It reads nothing." },
  {
    scope: "browser",
    label: "Send from web pages",
    explanation: "It is in the page for everybody to see, so it counts only from the web origins of the project, and less often.",
  },
  { scope: "read", label: "Read", explanation: "Scripts read sessions and events by the API. It changes nothing." },
  { scope: "admin", label: "Administer", explanation: "Everything in this project, also making tokens that outlive it. Give it to few, and with an end." },
];

const DAY_SECONDS = 86_400;

export const EXPIRIES: readonly { label: string; seconds: number | null }[] = [
  { label: "Never", seconds: null },
  { label: "7 days", seconds: 7 * DAY_SECONDS },
  { label: "30 days", seconds: 30 * DAY_SECONDS },
  { label: "90 days", seconds: 90 * DAY_SECONDS },
  { label: "1 year", seconds: 365 * DAY_SECONDS },
];

export function scopeLabel(scope: string): string {
  return SCOPES.find((known) => known.scope === scope)?.label ?? scope;
}

export function tokenName(token: Token): string {
  return token.name ?? `${token.label}…`;
}

export function expiryText(token: Token, zone: Zone): string {
  if (token.expires_at === null) return "never";
  const at = absoluteText(parseTime(token.expires_at), zone);
  return token.has_expired ? `expired ${at}` : at;
}

export function lastUsedText(at: string | null, now_ms: number, zone: Zone): string {
  return at === null ? "not yet" : relativeText(parseTime(at), now_ms, zone);
}

/** A name that no other token has: `Node.js`, `Node.js 2`. */
export function freeName(wanted: string, taken: readonly (string | null)[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted} ${number}`;
    if (!taken.includes(name)) return name;
  }
}
