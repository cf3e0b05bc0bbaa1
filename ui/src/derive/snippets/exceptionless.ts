// Clients of Exceptionless: two settings lead them here.

import { quoted } from "./quote";
import type { SnippetContext, SnippetPart } from "./snippets";

export function nodeSnippet(context: SnippetContext): SnippetPart[] {
  return [
    { label: "In a terminal", text: "npm install @exceptionless/node" },
    { label: "At the start of your program, as first.mjs for a try", text: script("@exceptionless/node", context, "Node.js") },
    { label: "Run it", text: "node first.mjs" },
  ];
}

export function browserSnippet(context: SnippetContext): SnippetPart[] {
  return [
    { label: "In a terminal", text: "npm install @exceptionless/browser" },
    { label: "In the first module of your page", text: script("@exceptionless/browser", context, "a web page") },
  ];
}

function script(module: string, { url, token }: SnippetContext, from: string): string {
  return `import { Exceptionless } from ${quoted(module)};

await Exceptionless.startup((config) => {
  config.apiKey = ${quoted(token)};
  config.serverUrl = ${quoted(url)};
  config.version = "1.0.0";
  config.setUserIdentity("ann@example.test", "Ann Example");
  config.useSessions();
});

await Exceptionless.submitLog("first", ${quoted(`hello from ${from}`)}, "info");
await Exceptionless.processQueue();`;
}

export function dotnetSnippet({ url, token }: SnippetContext): SnippetPart[] {
  const program = `using Exceptionless;
using Exceptionless.Logging;

var client = ExceptionlessClient.Default;
client.Configuration.ServerUrl = ${quoted(url)};
client.Configuration.SetVersion("1.0.0");
client.Configuration.SetUserIdentity("ann@example.test", "Ann Example");
client.Configuration.UseSessions();
client.Startup(${quoted(token)});

client.SubmitLog("first", "hello from .NET", LogLevel.Info);
await client.ProcessQueueAsync();`;
  return [
    { label: "In a terminal", text: "dotnet add package Exceptionless" },
    { label: "At the start of your program, as Program.cs for a try", text: program },
    { label: "Run it", text: "dotnet run" },
  ];
}
