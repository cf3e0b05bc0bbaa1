// What a row offers to filter by.

import { expect, it } from "vitest";
import type { Session } from "../../api/types";
import { rowValues } from "./row_values";

const SESSION = {
  user: { id: "ann@example.test", name: "Ann" }, application: "Shop", version: null, host: "vm", os: "Linux 6.18", user_agent: null,
  properties: { "os.name": { first: "Linux", last: "Linux" } },
} as unknown as Session;

const terms = (part: Partial<Session>) => rowValues({ ...SESSION, ...part }).map(({ field, value, text }) => [field, value, text]);

it("what is known, by the field that finds it", () => {
  expect(terms({})).toEqual([
    ["user.id", "ann@example.test", "Ann"], ["application", "Shop", "Shop"], ["host", "vm", "vm"], ["os", "Linux", "Linux"],
  ]);
  expect(terms({ user: { id: null, name: "Ann" } })[0]).toEqual(["user.name", "Ann", "Ann"]);
  expect(terms({ user: null })[0]?.[0]).toBe("application");
});

it("a browser is told by all that it calls itself", () => {
  const user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
  expect(terms({ user_agent }).at(-1)).toEqual(["user_agent", user_agent, "Firefox 145 on Linux"]);
});
