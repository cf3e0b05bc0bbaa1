// What the server says is wrong begins with the name of the member of the request that is meant, if one is:
// `retention_days: expected …`.

export interface FieldProblem {
  field: string | null;
  text: string;
}

const FIELD = /^([a-z][a-z_]*)(?:\.(\S+))?: (.+)$/s;

export function splitProblem(detail: string): FieldProblem {
  const found = FIELD.exec(detail);
  if (!found) return { field: null, text: sentence(detail) };
  const [, field = null, inner, text = ""] = found;
  return { field, text: sentence(inner ? `${inner}: ${text}` : text) };
}

/** The server's words are lower case and without a full stop. */
function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return text.charAt(0).toUpperCase() + text.slice(1) + end;
}
