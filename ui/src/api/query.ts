// How a question is written as an address of the API.

export const BASE = "/api/v1";

/** Query parameters; what is null is left out. */
export type Params = Record<string, string | number | null>;

export function queryOf(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== null) query.set(name, String(value));
  const text = query.toString();
  return text ? `?${text}` : "";
}
