// Who may do what, as far as the page shows or hides it. The server decides; this only spares people the refusals.

import type { Me } from "../../api/types";

export type Role = "reader" | "member" | "admin";

export const ROLES: readonly { role: Role; label: string; may: string }[] = [
  { role: "reader", label: "Reader", may: "sees the project's sessions, events and figures" },
  { role: "member", label: "Member", may: "also shares views, pins sessions, asks for them and brings files of them" },
  { role: "admin", label: "Admin", may: "also changes settings, tokens and roles, erases, and reads the project's audit log" },
];

export function isServerAdmin(me: Me | null): boolean {
  return me?.is_server_admin ?? false;
}

export function mayAdminister(me: Me | null, project: string): boolean {
  return me !== null && (me.is_server_admin || me.roles[project] === "admin");
}

/** Members and admins write, readers do not. */
export function mayWrite(me: Me | null, project: string): boolean {
  return me !== null && (me.is_server_admin || ["member", "admin"].includes(me.roles[project] ?? ""));
}

export function mayAdministerAny(me: Me | null): boolean {
  return me !== null && (me.is_server_admin || Object.values(me.roles).includes("admin"));
}

/** `reader in shop, admin in build`; what a person is allowed, in words. */
export function rolesText(roles: Record<string, string>): string {
  const parts = Object.entries(roles).map(([project, role]) => `${role} in ${project}`);
  return parts.length > 0 ? parts.join(", ") : "no role in any project";
}
