// Splits a text at what was looked for, ignoring case.

export interface TextPart {
  text: string;
  marked: boolean;
}

/** A line is one row high: what lies beyond this is not seen. */
const LINE_LENGTH_MAX = 400;

/** `mark`: a text, case aside, or an expression with the flag `g`. */
export function markParts(text: string, mark: string | RegExp | null): TextPart[] {
  const line = text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text;
  const wanted = typeof mark === "string" && mark.trim() ? new RegExp(mark.trim().replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu") : mark;
  if (!wanted || typeof wanted === "string") return [{ text: line, marked: false }];
  const parts: TextPart[] = [];
  let from = 0;
  for (const { 0: found, index } of line.matchAll(wanted)) {
    if (found === "") continue;
    if (index > from) parts.push({ text: line.slice(from, index), marked: false });
    from = index + found.length;
    parts.push({ text: found, marked: true });
  }
  if (from < line.length) parts.push({ text: line.slice(from), marked: false });
  return parts;
}
