// One event by hand.

import { shellQuoted } from "./quote";
import type { SnippetContext, SnippetPart } from "./snippets";

export function curlSnippet({ url, token }: SnippetContext): SnippetPart[] {
  const event = {
    type: "log",
    source: "first",
    message: "hello from curl",
    data: { "@level": "info", "@version": "1.0.0", "@user": { identity: "ann@example.test", name: "Ann Example" } },
  };
  const command = [
    `curl --fail-with-body --silent --show-error ${shellQuoted(`${url}/api/v2/events`)}`,
    `  --header ${shellQuoted(`Authorization: Bearer ${token}`)}`,
    `  --header 'Content-Type: application/json'`,
    `  --data ${shellQuoted(JSON.stringify(event))}`,
  ];
  return [{ label: "In a terminal", text: command.join(" \\\n") }];
}
