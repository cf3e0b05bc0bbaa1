// What switches live on, in the order in which it is done.

import { shellQuoted } from "./quote";
import type { SnippetPart } from "./snippets";

const TOML = `[live]
enabled = true
# From other machines too; by default from this one only.
listen_agents = "0.0.0.0:29971"
listen_viewers = "0.0.0.0:29970"`;

export interface LiveSnippetContext {
  /** Id of the project that is looked at; `null`: of any. */
  project: string | null;
}

/** The server's own switch. */
export function liveServerSnippet(): SnippetPart {
  return { label: "On the server, in kymo.toml; then start it anew", text: TOML };
}

export function liveProjectSnippet({ project }: LiveSnippetContext): SnippetPart {
  return { label: "In a terminal, on the server", text: `kymo project set ${project === null ? "PROJECT" : quotedIfNeeded(project)} live.enabled=true` };
}

export function liveAgentSnippets(): SnippetPart[] {
  return [
    { label: "In the program's Cargo.toml", text: 'kymo = { version = "0.0.1", features = ["live"] }' },
    { label: "Where it starts", text: 'let session = kymo::builder("Shop", "till").live(true).start();' },
  ];
}

function quotedIfNeeded(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : shellQuoted(text);
}
