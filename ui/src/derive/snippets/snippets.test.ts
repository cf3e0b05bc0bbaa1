// What can be said of snippets without running them; the rest is `crates/cli/tests/it/views.rs`.

import { describe, expect, test } from "vitest";
import { CLIENTS, type ClientId } from "./snippets";

const CONTEXT = { url: "http://127.0.0.1:8390", token: "kymo_ingest_abc" };

function textsOf(id: ClientId, context = CONTEXT): string[] {
  return CLIENTS.find((client) => client.id === id)?.parts(context).map(({ text }) => text) ?? [];
}

describe("snippets", () => {
  test.each(CLIENTS.map(({ id }) => id))("%s names the server and the token once, in what is pasted", (id) => {
    const all = textsOf(id).join("\n");
    expect(all.split(CONTEXT.url)).toHaveLength(2);
    expect(all.split(CONTEXT.token)).toHaveLength(2);
  });

  test("ids and names are each one client's", () => {
    for (const of of ["id", "name"] as const) expect(new Set(CLIENTS.map((client) => client[of])).size).toBe(CLIENTS.length);
  });

  // What cannot run in the tests is held to what its documentation says, word by word.
  test(".NET", () => {
    const [install, program, run] = textsOf("exceptionless-dotnet");
    expect([install, run]).toEqual(["dotnet add package Exceptionless", "dotnet run"]);
    expect(program?.split("\n")).toEqual([
      "using Exceptionless;",
      "using Exceptionless.Logging;",
      "",
      "var client = ExceptionlessClient.Default;",
      'client.Configuration.ServerUrl = "http://127.0.0.1:8390";',
      'client.Configuration.SetVersion("1.0.0");',
      'client.Configuration.SetUserIdentity("ann@example.test", "Ann Example");',
      "client.Configuration.UseSessions();",
      'client.Startup("kymo_ingest_abc");',
      "",
      'client.SubmitLog("first", "hello from .NET", LogLevel.Info);',
      "await client.ProcessQueueAsync();",
    ]);
  });

  test("a quotation mark in an address stays within the literal", () => {
    const url = "http://host/'\"";
    expect(textsOf("curl", { ...CONTEXT, url })[0]).toContain(`'http://host/'\\''"/api/v2/events'`);
    expect(textsOf("exceptionless-node", { ...CONTEXT, url })[1]).toContain('config.serverUrl = "http://host/\'\\"";');
  });
});
