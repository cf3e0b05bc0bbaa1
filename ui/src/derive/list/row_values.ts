// What of a session's row one may filter by, and under which field.

import type { Session } from "../../api/types";
import { userText } from "../session_text";
import { browserText } from "../user_agent";

export type ValueGroup = "user" | "application" | "version" | "where";

export interface RowValue {
  group: ValueGroup;
  /** What the field is called here. */
  name: string;
  field: string;
  value: string;
  /** As the row shows it. */
  text: string;
}

export function rowValues(session: Session): RowValue[] {
  const values: (RowValue | null)[] = [
    userValue(session),
    value("application", "Application", "application", session.application),
    value("version", "Version", "version", session.version),
    value("where", "Host", "host", session.host),
    value("where", "System", "os", property(session, "os.name")),
    value("where", "Browser", "user_agent", session.user_agent, session.user_agent ? browserText(session.user_agent) : ""),
  ];
  return values.filter((known) => known !== null);
}

/** By the id, which is one person's; a name may be several people's. */
function userValue({ user }: Session): RowValue | null {
  if (!user) return null;
  return user.id ? value("user", "User", "user.id", user.id, userText(user)) : value("user", "User", "user.name", user.name);
}

function value(group: ValueGroup, name: string, field: string, of: string | null, text = of ?? ""): RowValue | null {
  return of ? { group, name, field, value: of, text } : null;
}

function property(session: Session, name: string): string | null {
  return session.properties[name]?.last ?? null;
}
