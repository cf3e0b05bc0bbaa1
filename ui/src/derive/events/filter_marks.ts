// What of a filter can be seen in a line of text, to mark it: words, phrases and parts that are looked for, not those
// that are left out and not what is asked of other fields.

import { splitTerms } from "./filter_terms";

/** Fields whose words stand in the line. */
const TEXT_FIELDS = /^(message|body|exception|exception\.message|error\.message)$/i;
const OPERATORS = /^(AND|OR|NOT|&&|\|\||\*)$/;

/** One expression for everything that is to be marked; `null` if nothing is. */
export function filterMarks(filter: string): RegExp | null {
  const sources = termsOf(filter).flatMap(sourceOf);
  // The longest first: where two begin at one place, the longer one is meant.
  sources.sort((left, right) => right.length - left.length);
  try {
    return sources.length > 0 ? new RegExp(sources.join("|"), "giu") : null;
  } catch {
    return null;
  }
}

/** Without what is left out; groups are looked into. */
function termsOf(filter: string): string[] {
  const terms: string[] = [];
  let is_out = false;
  for (const term of splitTerms(filter)) {
    const is_kept = !is_out && !/^[-!]/.test(term);
    is_out = term === "NOT";
    if (!is_kept || OPERATORS.test(term)) continue;
    const group = /^\((.*)\)$/s.exec(term)?.[1];
    if (group === undefined) terms.push(term);
    else terms.push(...termsOf(group));
  }
  return terms;
}

function sourceOf(term: string): string[] {
  const [, field, sign, rest] = /^([\w.]*)([:~])(.*)$/s.exec(term.startsWith('"') ? "" : term) ?? [];
  // What is asked of another field, or compared, is not in the line.
  if (field && !TEXT_FIELDS.test(field)) return [];
  if (field === "" && sign === ":") return [];
  const value = sign === undefined ? term : (rest ?? "");
  const is_quoted = value.startsWith('"');
  if (!is_quoted && /^[<>[{(]/.test(value)) return [];
  const plain = (is_quoted ? value.replace(/^"|"$/g, "") : value).replace(/\\(.)/g, "$1");
  if (sign === "~") return plain ? [escaped(plain)] : [];
  const words = plain.match(/[\p{L}\p{N}]+/gu);
  if (!words) return [];
  const end = !is_quoted && plain.endsWith("*") ? "" : "(?![\\p{L}\\p{N}])";
  return [`(?<![\\p{L}\\p{N}])${words.join("[^\\p{L}\\p{N}]+")}${end}`];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
