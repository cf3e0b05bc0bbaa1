// Terms of the filter language as the page writes them: for a value that was clicked, to be added or taken out again.

import type { JsonValue } from "../../api/types";

/** As the language writes names without quotes. */
const NAME_SIGNS = /[^\p{L}\p{N}_.\-@$#/]/gu;
const PLAIN_VALUE = /^[\p{L}\p{N}_@/][\p{L}\p{N}_.\-@/]*$/u;
/** Read as something else than a value. */
const RESERVED = /^(AND|OR|NOT|TO)$/;

export function termOf(field: string, value: string | number | boolean): string {
  const text = String(value);
  const written = PLAIN_VALUE.test(text) && !RESERVED.test(text) ? text : quoted(text);
  return `${field}:${written}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** An attribute by the keys that lead to it; `null` where the language has no word for it: empty, or deep in a list. */
export function attributeTerm(path: readonly string[], value: JsonValue): string | null {
  const field = `attributes.${path.map((key) => key.replace(NAME_SIGNS, "\\$&")).join(".")}`;
  const plain = Array.isArray(value) ? value[0] : value;
  if (typeof plain === "string") return plain.length > 0 && plain.length <= VALUE_CHARS_MAX ? termOf(field, plain) : null;
  return typeof plain === "number" || typeof plain === "boolean" ? termOf(field, plain) : null;
}

/** A filter has at most 2,000 characters; a text of this length is better looked for by its words. */
const VALUE_CHARS_MAX = 300;

/** The filter with the term beside it; with `is_out`, what it describes is left out. Its opposite goes, and nothing is said twice. */
export function withTerm(filter: string, term: string, is_out: boolean): string {
  const wanted = is_out ? `-${term}` : term;
  const parts = splitTerms(filter).filter((part) => part !== (is_out ? term : `-${term}`));
  if (parts.includes(wanted)) return parts.join(" ");
  const rest = parts.join(" ");
  const needs_group = parts.some((part) => part === "OR" || part === "||");
  return [needs_group ? `(${rest})` : rest, wanted].filter(Boolean).join(" ");
}

/** At the blanks outside of quotation marks and parentheses. */
export function splitTerms(filter: string): string[] {
  const parts: string[] = [];
  let part = "";
  let is_quoted = false;
  let depth = 0;
  for (let at = 0; at < filter.length; at += 1) {
    const sign = filter.charAt(at);
    if (sign === "\\") {
      part += sign + filter.charAt(at + 1);
      at += 1;
      continue;
    }
    if (sign === '"') is_quoted = !is_quoted;
    else if (!is_quoted && "([{".includes(sign)) depth += 1;
    else if (!is_quoted && ")]}".includes(sign)) depth -= 1;
    if (/\s/.test(sign) && !is_quoted && depth <= 0) {
      if (part) parts.push(part);
      part = "";
    } else part += sign;
  }
  return part ? [...parts, part] : parts;
}
