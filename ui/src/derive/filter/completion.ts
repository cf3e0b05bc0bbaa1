// What may be meant to be written at the caret of a filter: a field's name, or a value of one. Pure: what fields and
// values there are is handed in.

import type { FilterField } from "../../api/types";
import { quoteValue } from "./filter_text";

/** The part of a filter around the caret that an accepted offer replaces. */
export type Place =
  | { kind: "name"; from: number; to: number; prefix: string }
  | { kind: "value"; field: string; from: number; to: number; prefix: string };

export interface Offer {
  /** What stands in the filter afterwards instead of the part. */
  insert: string;
  label: string;
  /** Said beside it: what a field is, in how many sessions a value is. */
  note: string;
  /** More is to be written behind it: nothing separates it from what follows. */
  goes_on: boolean;
}

/** Where the caret stands, if something can be offered there. */
export function placeAt(filter: string, caret: number): Place | null {
  let from = 0;
  let name: { field: string; value_from: number } | null = null;
  let quoted = false;
  for (let at = 0; at < caret; at += 1) {
    const sign = filter[at] ?? "";
    if (sign === "\\") at += 1;
    else if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (/[\s()]/.test(sign)) {
      // `level:(warn OR error)`: the words in the parentheses are values of the field in front.
      if (sign === "(" && name && at === name.value_from) name.value_from = at + 1;
      else if (!(name && isInList(filter, name.value_from, at))) name = null;
      else name.value_from = at + 1;
      from = at + 1;
    } else if (sign === "~") return nothingOrNext(filter, at, caret);
    else if (sign === ":" && !name) name = { field: filter.slice(from, at).replace(/^[-!]+/, ""), value_from: at + 1 };
  }
  if (name) return valuePlace(filter, caret, name);
  if (quoted) return null;
  const signs = /^[-!]*/.exec(filter.slice(from, caret))?.[0].length ?? 0;
  const prefix = filter.slice(from + signs, caret);
  return /["*]/.test(prefix) ? null : { kind: "name", from: from + signs, to: endOfWord(filter, caret), prefix };
}

/** Between the parentheses behind a field's name. */
function isInList(filter: string, value_from: number, at: number): boolean {
  const opened = filter.lastIndexOf("(", at - 1);
  return filter[opened - 1] === ":" && opened < value_from + (at - value_from) && !filter.slice(opened, at + 1).includes(")");
}

/** A part of a text is not to be guessed; what follows behind the next space is another matter. */
function nothingOrNext(filter: string, at: number, caret: number): Place | null {
  const rest = filter.slice(at, caret);
  const next = /^~(?:"(?:[^"\\]|\\.)*"|[^\s"]*)\s+/u.exec(rest);
  if (!next) return null;
  const shift = at + next[0].length;
  const place = placeAt(filter.slice(shift), caret - shift);
  return place ? { ...place, from: place.from + shift, to: place.to + shift } : null;
}

function valuePlace(filter: string, caret: number, { field, value_from }: { field: string; value_from: number }): Place | null {
  const written = filter.slice(value_from, caret);
  // A range and a gap are not completed.
  if (/^[[{]|\*/.test(written)) return null;
  const prefix = written.replace(/^"/, "").replace(/\\(.)/gu, "$1");
  const is_closed = /^"(?:[^"\\]|\\.)*"$/u.test(written) && written.length > 1;
  if (is_closed) return null;
  const to = written.startsWith('"') ? endOfQuoted(filter, caret) : endOfWord(filter, caret);
  return { kind: "value", field, from: value_from, to, prefix };
}

function endOfWord(filter: string, caret: number): number {
  const rest = /^[^\s():~"]*/u.exec(filter.slice(caret))?.[0].length ?? 0;
  return caret + rest;
}

function endOfQuoted(filter: string, caret: number): number {
  const rest = /^(?:[^"\\]|\\.)*"/u.exec(filter.slice(caret));
  return rest ? caret + rest[0].length : filter.length;
}

/** A single letter is in nearly every name. */
const INNER_CHARS_MIN = 2;

/** Names with what they are; those of sessions come first, as the list is about these. */
export function nameOffers(fields: readonly FilterField[], prefix: string): Offer[] {
  const wanted = prefix.toLowerCase();
  const offers = fields.map((field) => ({ field, name: nameOf(field, fields) }));
  const begins = offers.filter(({ field, name }) => [name, ...field.aliases].some((known) => known.startsWith(wanted)));
  const has = offers.filter((offer) => wanted.length >= INNER_CHARS_MIN && !begins.includes(offer) && offer.name.includes(wanted));
  return [...begins, ...has].map(({ field, name }) => ({
    insert: `${name}:`,
    label: name,
    note: field.of === "event" ? `${field.help} (of an event)` : field.help,
    goes_on: true,
  }));
}

/** In a filter of sessions a name that both have means the session's. */
function nameOf(field: FilterField, fields: readonly FilterField[]): string {
  const is_taken = field.of === "event" && fields.some((other) => other.of === "session" && [other.name, ...other.aliases].includes(field.name));
  return is_taken && !field.name.startsWith("event.") ? `event.${field.name}` : field.name;
}

/** The field that a name in a filter of sessions means. */
export function fieldOf(fields: readonly FilterField[], name: string): FilterField | null {
  const wanted = name.toLowerCase();
  const known = (of: string, text: string) => fields.find((field) => field.of === of && [field.name, ...field.aliases].includes(text));
  const inner = /^(session|event)\.(.+)$/.exec(wanted);
  return known("session", wanted) ?? known("event", wanted) ?? (inner ? (known(inner[1] ?? "", inner[2] ?? "") ?? null) : null);
}

/** Beginnings that show what may be written where there is nothing to choose from. */
const EXAMPLES: Record<string, readonly [string, string][]> = {
  duration: [[">1m", "longer than a minute"], [">10m", "longer than ten minutes"], [">1h", "longer than an hour"], ["<10s", "shorter than ten seconds"]],
  number: [[">0", "any"], [">10", "more than ten"], [">100", "more than a hundred"], ["0", "none"]],
  time: [[">now-1h", "within the last hour"], [">now-24h", "within the last day"], ["<now-7d", "more than a week ago"]],
  level: [[">=warn", "warnings and worse"], [">=error", "errors and worse"]],
};

/** Words of the field's own, and examples. */
export function wordOffers(field: FilterField, prefix: string): Offer[] {
  const wanted = prefix.toLowerCase();
  const examples = (EXAMPLES[field.type] ?? []).map(([text, note]) => offer(text, note));
  const words = field.words.map((word) => offer(word, ""));
  return [...examples, ...words].filter(({ label }) => label.toLowerCase().startsWith(wanted));
}

function offer(text: string, note: string): Offer {
  return { insert: text, label: text, note, goes_on: false };
}

/** As the server finds them: the value or a word of it begins so. What was found for fewer letters is right until better comes. */
export function valueOffers(values: readonly { value: string; sessions: number }[], prefix: string): Offer[] {
  const wanted = prefix.toLowerCase();
  const fits = (value: string) => {
    const lower = value.toLowerCase();
    for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
      if (at === 0 || !/[0-9a-z]/.test(lower[at - 1] ?? "")) return true;
    }
    return false;
  };
  return values.filter(({ value }) => fits(value)).map(({ value, sessions }) => ({
    insert: quoteValue(value),
    label: value,
    note: sessions === 1 ? "1 session" : `${sessions} sessions`,
    goes_on: false,
  }));
}

/** Only of sessions' texts the server knows the values. */
export function hasValues(field: FilterField | null, name: string): boolean {
  if (/^properties\../i.test(name)) return true;
  return field !== null && field.of === "session" && (field.type === "text" || field.type === "words") && field.name !== "id";
}

/** The filter and its caret once an offer was taken. */
export function accept(filter: string, place: Place, taken: Offer): { filter: string; caret: number } {
  const before = filter.slice(0, place.from) + taken.insert;
  const after = filter.slice(place.to);
  // A name already has what separates it from its value.
  if (taken.goes_on) return { filter: before + after.replace(/^:/, ""), caret: before.length };
  if (/^[\s)]/.test(after)) return { filter: before + after, caret: before.length + (after.startsWith(" ") ? 1 : 0) };
  return { filter: `${before} ${after}`, caret: before.length + 1 };
}

/** The filter with the part that an error is about replaced; positions count characters, not code units. */
export function replacePart(filter: string, part: { position: number; length: number }, by: string): string {
  const letters = [...filter];
  return [...letters.slice(0, part.position), by, ...letters.slice(part.position + part.length)].join("");
}
