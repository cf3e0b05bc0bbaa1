// Texts about people, roles, tokens and settings.

import { describe, expect, test } from "vitest";
import type { Me } from "../../api/types";
import { splitProblem } from "./problem";
import { mayAdminister, mayAdministerAny, rolesText } from "./roles";
import { limitSeconds, limitText, originsOf, retentionText } from "./settings_text";
import { freeName } from "./tokens";
import { userFilter } from "./users";

const me = (more: Partial<Me>): Me => ({
  name: "ann", role: "reader", is_person: true, is_server_admin: false, has_password: true, roles: {}, server_version: "0", ...more,
});

describe("problems", () => {
  test.each([
    ["retention_days: expected whole days or null, found 1.5", "retention_days", "Expected whole days or null, found 1.5."],
    ["name: expected a text", "name", "Expected a text."],
    ["client_settings.@@log:x: expected a level", "client_settings", "@@log:x: expected a level."],
    ["the last admin of the server stays", null, "The last admin of the server stays."],
    ["there is a project Shop: choose another name", null, "There is a project Shop: choose another name."],
  ])("%s", (detail, field, text) => expect(splitProblem(detail)).toEqual({ field, text }));
});

describe("roles", () => {
  test("an admin of one project administers that one", () => {
    const ann = me({ roles: { shop: "admin", build: "member" } });
    expect([mayAdminister(ann, "shop"), mayAdminister(ann, "build"), mayAdministerAny(ann)]).toEqual([true, false, true]);
    expect([mayAdministerAny(me({ roles: { shop: "member" } })), mayAdministerAny(null)]).toEqual([false, false]);
    expect(mayAdminister(me({ is_server_admin: true }), "anything")).toBe(true);
  });

  test("in words", () => {
    expect(rolesText({ shop: "admin", build: "reader" })).toBe("admin in shop, reader in build");
    expect(rolesText({})).toBe("no role in any project");
  });
});

describe("settings", () => {
  test.each([
    ["15 min", 900], ["15min", 900], ["90", 90], ["1.5h", 5400], ["2 h 30 min", 9000], ["7 days", 604_800], ["1d", 86_400],
    ["", null], ["soon", null], ["5 parsecs", null], ["-3 min", null],
  ])("%s is a length", (text, seconds) => expect(limitSeconds(text)).toBe(seconds));

  test.each([[900, "15 min"], [90, "90 s"], [3600, "1 h"], [9000, "150 min"], [604_800, "7 days"], [86_400, "1 day"]])("%d s", (seconds, text) => {
    expect(limitText(seconds)).toBe(text);
    expect(limitSeconds(text)).toBe(seconds);
  });

  test("origins stand on lines or between commas, without what a browser leaves out", () => {
    expect(originsOf(" https://a.test/ \n\nhttp://b.test:8080, https://a.test")).toEqual(["https://a.test", "http://b.test:8080"]);
  });

  test("retention says what happens", () => {
    expect(retentionText(30, null)).toBe("Sessions that were silent for 30 days are removed with all their events.");
    expect(retentionText(null, null)).toBe("Nothing is removed: the server has no limit of its own either.");
    expect(retentionText(null, 90)).toBe("As the server is set: sessions that were silent for 90 days are removed with all their events.");
  });
});

test("names of tokens are free ones", () => {
  expect(freeName("curl", [])).toBe("curl");
  expect(freeName("curl", ["curl", null, "curl 2"])).toBe("curl 3");
});

test("a user is filtered by the whole id or name, whatever signs are in it", () => {
  expect(userFilter("ann")).toBe('(user.id:"ann" OR user.name:"ann")');
  expect(userFilter('a "b" \\c')).toBe('(user.id:"a \\"b\\" \\\\c" OR user.name:"a \\"b\\" \\\\c")');
});
