// Splits a text at what was looked for, ignoring case.

export interface TextPart {
  text: string;
  marked: boolean;
}

/** A line is one row high: what lies beyond this is not seen. */
const LINE_LENGTH_MAX = 400;

export function markParts(text: string, mark: string): TextPart[] {
  const line = text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text;
  const wanted = mark.trim().toLowerCase();
  const lower = line.toLowerCase();
  // Where lower case is of another length (a few letters of Turkish, for one) positions would not fit.
  if (!wanted || lower.length !== line.length) return [{ text: line, marked: false }];
  const parts: TextPart[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: line.slice(from, at), marked: false });
    from = at + wanted.length;
    parts.push({ text: line.slice(at, from), marked: true });
  }
  if (from < line.length) parts.push({ text: line.slice(from), marked: false });
  return parts;
}
