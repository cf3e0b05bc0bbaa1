// What the audit log calls an action, in words.

const ACTIONS: Record<string, string> = {
  sign_in: "signed in",
  "sign_in.failed": "failed to sign in",
  sign_out: "signed out",
  "session.end": "signed a browser out",
  "link.make": "made a one-time link",
  "member.add": "added a member",
  "member.change": "changed a member",
  "member.remove": "removed a member",
  "password.set": "set a password",
  "password.remove": "removed a password",
  "role.set": "gave a role",
  "role.remove": "took a role away",
  "token.add": "made a token",
  "token.revoke": "revoked a token",
  "project.add": "made a project",
  "project.change": "changed a project",
  "session.request": "asked for a session",
  "session.command": "told a running program to do something",
  export: "exported",
  erase: "erased",
};

/** An action of a newer server is shown as it is called there. */
export function actionText(action: string): string {
  return ACTIONS[action] ?? action;
}

const DROP_REASONS: Record<string, string> = {
  duplicate: "sent again, and stored once",
  heartbeat: "signs of life, which move a session's end",
  too_large: "requests that were too large",
  overload: "requests while the server was full",
  unauthorized: "requests without a token that holds",
  unsupported: "requests in a form that is not understood",
  rate_limited: "requests or sign-ins beyond a limit",
};

/** Requests that were refused whole: their clients keep what they sent, so that it is not lost. */
export const REFUSALS: readonly string[] = ["too_large", "overload", "unauthorized", "unsupported", "rate_limited"];

export function reasonText(reason: string): string {
  return DROP_REASONS[reason] ?? reason.replaceAll("_", " ");
}
