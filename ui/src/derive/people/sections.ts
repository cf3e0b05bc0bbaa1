// The pages of the settings, and for whom each is.

import type { Me } from "../../api/types";
import { settingsUrl } from "../url_state";
import { isServerAdmin, mayAdministerAny } from "./roles";

export interface Section {
  section: string;
  label: string;
  may: (me: Me) => boolean;
  /** Who may, for those who may not. */
  who: string;
}

export const SECTIONS: readonly Section[] = [
  { section: "projects", label: "Projects", may: mayAdministerAny, who: "admins of a project" },
  { section: "members", label: "Members", may: isServerAdmin, who: "admins of the server" },
  { section: "account", label: "My account", may: (me) => me.is_person, who: "people" },
  { section: "audit", label: "Audit log", may: mayAdministerAny, who: "admins of a project" },
  { section: "about", label: "About", may: () => true, who: "everybody" },
];

/** The first page that somebody may open. */
export function firstSettingsUrl(me: Me | null): string {
  const first = SECTIONS.find(({ may }) => me !== null && may(me)) ?? SECTIONS.at(-1);
  return settingsUrl({ section: first?.section ?? "about", id: null });
}
