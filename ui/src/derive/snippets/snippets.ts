// What one pastes into a program so that its first session arrives: pure functions from where the server is and a token.
// A test takes each text from the page and runs it (`crates/cli/tests/it/views.rs`).

import { browserSnippet, dotnetSnippet, nodeSnippet } from "./exceptionless";
import { loupeSnippet } from "./loupe";
import { curlSnippet } from "./curl";

export interface SnippetContext {
  /** The server, as it was reached by whoever reads this. */
  url: string;
  token: string;
}

/** One thing to paste: into a terminal, or into a file. */
export interface SnippetPart {
  /** What to do with it. */
  label: string;
  text: string;
}

export type ClientId = "exceptionless-browser" | "exceptionless-node" | "exceptionless-dotnet" | "loupe-web" | "curl";

export interface Client {
  id: ClientId;
  name: string;
  /** For whom it is. */
  for: string;
  scope: "ingest" | "browser";
  /** With what it was tried, or that it was not. */
  tested: string;
  parts(context: SnippetContext): SnippetPart[];
}

export const CLIENTS: readonly Client[] = [
  {
    id: "exceptionless-browser",
    name: "Exceptionless, web page",
    for: "Pages in a browser, with a bundler",
    scope: "browser",
    tested: "Tested with @exceptionless/browser 3.2.1.",
    parts: browserSnippet,
  },
  {
    id: "exceptionless-node",
    name: "Exceptionless, Node.js",
    for: "Programs that Node.js runs",
    scope: "ingest",
    tested: "Tested with @exceptionless/node 3.2.1.",
    parts: nodeSnippet,
  },
  {
    id: "exceptionless-dotnet",
    name: "Exceptionless, .NET",
    for: "Programs in C#, F#, Visual Basic",
    scope: "ingest",
    tested: "Not tested with this server yet. It speaks the protocol that the JavaScript clients were tested with.",
    parts: dotnetSnippet,
  },
  {
    id: "loupe-web",
    name: "Loupe, web page",
    for: "Pages in a browser, by their tabs",
    scope: "browser",
    tested: "Tested with @gibraltarsoftware/loupe-typescript 1.4.0.",
    parts: loupeSnippet,
  },
  {
    id: "curl",
    name: "curl",
    for: "A first look, without any client",
    scope: "ingest",
    tested: "An event as Exceptionless clients post it.",
    parts: curlSnippet,
  },
];
