// Attributes of an event as entries of a tree. What begins with '@' is the agent's own: it gets a readable label and
// comes after what the application sent. Labels are for reading only; the raw JSON shows the keys.

import type { JsonObject, JsonValue } from "../api/types";
import { bytesText } from "./number";

export interface AttributeEntry {
  key: string;
  /** The key as it is shown. */
  label: string;
  value: JsonValue;
}

/** An object or list with something in it that does not fit a line; empty ones are leaves. */
export function isBranch(value: JsonValue): value is JsonObject | JsonValue[] {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0 && !isShortList(value);
}

const SHORT_LIST_CHARS = 60;

/** Such as tags. */
function isShortList(value: JsonValue): value is JsonValue[] {
  return Array.isArray(value) && value.every((item) => typeof item !== "object") && value.join(", ").length <= SHORT_LIST_CHARS;
}

/** `parent`: the key under which the value was found, if any. */
export function attributeEntries(value: JsonObject | JsonValue[], parent: string | null = null): AttributeEntry[] {
  const entries = Object.entries(value).map(([key, inner]) => ({ key, label: attributeLabel(key, parent), value: inner }));
  return parent === null ? entries.sort((left, right) => placeOf(left.key) - placeOf(right.key)) : entries;
}

/** The application's own first, what is the same in every event last. */
function placeOf(key: string): number {
  if (!key.startsWith("@")) return 0;
  return { "@tags": 1, "@level": 2, "@request": 4, "@environment": 5 }[key] ?? 3;
}

const LABELS: Record<string, string> = {
  "@ext": "Properties",
  "@ref:session": "Session id",
  "@stack": "Grouping",
  "@submission_client": "Sent by",
  "@submission_method": "Caught by",
};

const WORDS: Record<string, string> = { http: "HTTP", ip: "IP", url: "URL" };

/** Agents' objects whose keys are theirs as well. Deeper down are headers, cookies and the like: the application's. */
const KNOWN_OBJECTS = ["@environment", "@request", "@user", "@user_description", "@location", "@submission_client"];

export function attributeLabel(key: string, parent: string | null): string {
  const known = LABELS[key];
  if (known) return known;
  if (key.startsWith("@ref:")) return `Reference ${key.slice("@ref:".length)}`;
  if (key.startsWith("@") && key.length > 1) return sentence(key.slice(1));
  return parent !== null && KNOWN_OBJECTS.includes(parent) ? sentence(key) : key;
}

/** `o_s_name` -> `OS name`, `client_ip_address` -> `Client IP address`. */
function sentence(key: string): string {
  const words = key.replace(/^o_s(?=_|$)/, "OS").split("_").map((word) => WORDS[word] ?? word).filter(Boolean);
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function leafText(value: JsonValue): string {
  if (typeof value === "string") return value;
  return isShortList(value) && value.length > 0 ? value.join(", ") : JSON.stringify(value);
}

/** As `leafText`; sizes of memory, which agents give in bytes, in a unit to read. */
export function valueText(key: string, parent: string | null, value: JsonValue): string {
  const is_memory = parent === "@environment" && /_memory(_size)?$/.test(key);
  return is_memory && typeof value === "number" && value > 0 ? bytesText(value) : leafText(value);
}
