// Grouping of what is known about where a session ran.

import { describe, expect, it } from "vitest";
import type { Session } from "../api/types";
import { environmentOf } from "./environment";

function session(properties: Record<string, [string, string]>, part: Partial<Session> = {}): Session {
  const pairs = Object.entries(properties).map(([key, [first, last]]) => [key, { first, last }]);
  return { application: "Shop", version: null, user_agent: null, properties: Object.fromEntries(pairs), ...part } as Session;
}

describe("environmentOf", () => {
  it("groups by namespace, known names first and readable", () => {
    const found = environmentOf(session({
      "host.arch": ["x64", "x64"], "host.name": ["vm", "vm"], region: ["eu", "eu"], "service.version": ["1", "2"], "service.owner": ["a", "a"],
    }));
    expect(found.groups).toEqual([
      { title: "Application", facts: [
        { name: "Name", value: "Shop", first: null }, { name: "Version", value: "2", first: "1" }, { name: "service.owner", value: "a", first: null },
      ] },
      { title: "Machine", facts: [{ name: "Host", value: "vm", first: null }, { name: "Architecture", value: "x64", first: null }] },
    ]);
    expect(found.own).toEqual([{ name: "region", value: "eu", first: null }]);
  });
  it("takes no key of the application's for a namespace", () => {
    const keys = ["client_version", "hostess", "os"];
    expect(environmentOf(session(Object.fromEntries(keys.map((key) => [key, ["1", "1"]])))).own.map((fact) => fact.name)).toEqual(keys);
  });
  it("names the agent that sent it", () => {
    const { groups, own } = environmentOf(session({ "client.address": ["::1", "::1"], "telemetry.sdk": ["exceptionless-js/3", "exceptionless-js/3"] }));
    expect(groups[1]).toEqual({ title: "Sent by", facts: [
      { name: "Agent", value: "exceptionless-js/3", first: null }, { name: "Address", value: "::1", first: null },
    ] });
    const agents = groups.flatMap((group) => group.facts).filter((fact) => fact.value === "exceptionless-js/3");
    expect(agents).toHaveLength(1);
    expect(own).toEqual([]);
  });
  it("names the browser", () => {
    const user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
    const { groups } = environmentOf(session({ "user_agent.original": [user_agent, user_agent] }, { user_agent }));
    expect(groups[1]).toEqual({ title: "Browser", facts: [
      { name: "Browser", value: "Firefox 132 on Linux", first: null }, { name: "User agent", value: user_agent, first: null },
    ] });
  });
});
