// What a list of events shows, as one text of the filter language: what comes live is asked for by that alone.

import type { SeverityLevel } from "../../api/types";

export interface Shown {
  filter: string;
  severity: SeverityLevel | null;
  errors: boolean;
}

export function liveFilter({ filter, severity, errors }: Shown): string {
  const terms = [severity ? `level:>=${severity}` : "", errors ? "error:true" : ""].filter(Boolean);
  return bothFilters(filter, terms.join(" "));
}

export function bothFilters(one: string, other: string): string {
  if (!one.trim() || !other.trim()) return one.trim() || other.trim();
  // What is written may hold an OR, which binds less than what stands beside it.
  return `(${one.trim()}) ${other.trim()}`;
}
