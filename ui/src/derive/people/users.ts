// Users as the list of sessions is asked for them.

import type { UserReport } from "../../api/types";

/** Sessions of exactly that user, in the filter language: the key is the id, or the name of one that has none. */
export function userFilter(key: string): string {
  const value = `"${key.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return `(user.id:${value} OR user.name:${value})`;
}

export function userName(user: Pick<UserReport, "key" | "name">): string {
  return user.name?.trim() || user.key;
}

/** What stands beside the name: the id, unless it is the name. */
export function userDetail(user: Pick<UserReport, "key" | "name">): string | null {
  return userName(user) === user.key ? null : user.key;
}
