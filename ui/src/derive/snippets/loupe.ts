// Loupe's client for web pages. The token is part of the address, because the client sends nothing else on its way out.

import { quoted } from "./quote";
import type { SnippetContext, SnippetPart } from "./snippets";

export function loupeSnippet({ url, token }: SnippetContext): SnippetPart[] {
  const program = `import { LoupeAgent } from "@gibraltarsoftware/loupe-typescript";

export const loupe = new LoupeAgent(window, document);
loupe.setLogServer(${quoted(`${url}/in/${token}`)});

loupe.information("first", "hello from Loupe", "opened {0}", [document.title]);`;
  return [
    { label: "In a terminal", text: "npm install @gibraltarsoftware/loupe-typescript" },
    { label: "In the first module of your page", text: program },
  ];
}
