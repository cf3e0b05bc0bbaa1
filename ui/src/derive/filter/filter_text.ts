// Filters as text: what a click puts into one, so that a person can read on and change it. The language is that of
// docs/filter.md; nothing here needs to understand all of it, only where its terms begin and end.

/** A term that stands by itself: everything between spaces that is not in quotation marks or parentheses. */
export interface TopTerm {
  text: string;
  from: number;
  to: number;
}

export type Wish = "for" | "out";

/** Letters, digits and the signs that mean nothing; other texts go into quotation marks. */
const PLAIN = /^[\p{L}\p{N}_][\p{L}\p{N}_.\-@/]*$/u;
const KEYWORDS: ReadonlySet<string> = new Set(["AND", "OR", "NOT", "TO"]);

export function quoteValue(value: string): string {
  if (PLAIN.test(value) && !KEYWORDS.has(value)) return value;
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Names of properties may hold any sign. */
export function quoteName(name: string): string {
  return name.replace(/[^\p{L}\p{N}_.\-@]/gu, "\\$&");
}

export function termText(field: string, value: string): string {
  return `${quoteName(field)}:${quoteValue(value)}`;
}

/** The filter with a term added for or against a value. What says so already is taken away, what says the opposite turned. */
export function toggleTerm(filter: string, field: string, value: string, wish: Wish): string {
  const said = findTerm(filter, field, value);
  if (said?.wish === wish) return withoutPart(filter, said.term);
  const text = (wish === "out" ? "-" : "") + termText(field, value);
  if (said) return (filter.slice(0, said.term.from) + text + filter.slice(said.term.to)).trim();
  const rest = filter.trim();
  if (rest === "" || rest === "*") return text;
  // Without parentheses the new term would belong to the last alternative only.
  return hasAlternatives(rest) ? `(${rest}) ${text}` : `${rest} ${text}`;
}

/** What the filter as a whole says about a value; terms in parentheses and alternatives are not looked into. */
export function wishOf(filter: string, field: string, value: string): Wish | null {
  return findTerm(filter, field, value)?.wish ?? null;
}

function findTerm(filter: string, field: string, value: string): { term: TopTerm; wish: Wish } | null {
  if (hasAlternatives(filter)) return null;
  for (const term of topTerms(filter)) {
    const parts = /^([-!]?)((?:[^\s:~()"\\]|\\.)+):(.*)$/su.exec(term.text);
    if (!parts) continue;
    const [, sign = "", name = "", written = ""] = parts;
    if (name.replace(/\\(.)/gsu, "$1").toLowerCase() !== field.toLowerCase() || plainValue(written) !== value) continue;
    return { term, wish: sign ? "out" : "for" };
  }
  return null;
}

/** What a value means if it is nothing but a text; a `*` outside of quotation marks stands for anything. */
function plainValue(written: string): string | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(written);
  if (quoted) return (quoted[1] ?? "").replace(/\\(.)/gsu, "$1");
  if (/(?<!\\)[*"()[\]{}]|^[<>~]/u.test(written)) return null;
  return written.replace(/\\(.)/gsu, "$1");
}

function withoutPart(filter: string, part: TopTerm): string {
  const before = filter.slice(0, part.from).trimEnd();
  const after = filter.slice(part.to).trimStart();
  return [before.replace(/(?:^|\s)(?:AND|&&)$/u, ""), after.replace(/^(?:AND|&&)(?=\s)/u, "").trimStart()].filter(Boolean).join(" ");
}

function hasAlternatives(filter: string): boolean {
  return topTerms(filter).some(({ text }) => text === "OR" || text === "||");
}

/** Splits at the spaces between terms. A quotation mark or parenthesis that is not closed reaches to the end. */
export function topTerms(filter: string): TopTerm[] {
  const terms: TopTerm[] = [];
  let from = -1;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at <= filter.length; at += 1) {
    const sign = filter[at];
    const is_between = sign === undefined || (!quoted && depth === 0 && /\s/.test(sign));
    if (is_between) {
      if (from >= 0) terms.push({ text: filter.slice(from, at), from, to: at });
      from = -1;
      continue;
    }
    if (from < 0) from = at;
    if (sign === "\\") at += 1;
    else if (sign === '"') quoted = !quoted;
    else if (!quoted && sign && "([{".includes(sign)) depth += 1;
    else if (!quoted && sign && ")]}".includes(sign)) depth = Math.max(0, depth - 1);
  }
  return terms;
}
