// A saved view is what the address of the list holds, by its own names: what a later version does not know is left out.

import { listUrl, parsePlace, type ListState } from "../url_state";

export function viewOf(list: ListState): Record<string, string> {
  return Object.fromEntries(new URL(listUrl(list), "http://page").searchParams);
}

/** `project`: of the view itself; a project that has gone would hide everything. */
export function listOf(view: Record<string, unknown>, project: string | null): ListState | null {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) if (typeof value === "string") query.set(name, value);
  const place = parsePlace("/", `?${query}`);
  return place.view === "sessions" ? { ...place.list, project } : null;
}

/** The id of a new view. `crypto.randomUUID` is missing where the page is served over plain http. */
export function newViewId(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  const bytes = random(new Uint8Array(new ArrayBuffer(16)));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
