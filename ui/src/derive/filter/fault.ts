// What is wrong with a filter, as a sentence beside the place where it is marked.

import type { FilterFault } from "../../api/types";

/** The place is shown and the suggestion offered: neither is said again. */
export function faultText({ detail, suggestion }: FilterFault): string {
  let text = detail.replace(/^filter, character \d+: /, "");
  if (suggestion !== null && text.endsWith(`; did you mean ${suggestion}?`)) text = text.slice(0, -`; did you mean ${suggestion}?`.length);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}
