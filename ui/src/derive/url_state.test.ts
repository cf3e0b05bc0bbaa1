// The URL and the state are each other's image.

import { describe, expect, it } from "vitest";
import { eventUrl, LIST_STATE_DEFAULT, listUrl, parsePlace, rangeFrom, SESSION_STATE_DEFAULT, sessionUrl, settingsUrl, userUrl, usersUrl, type ListState, type SessionPageState } from "./url_state";

function placeOf(url: string) {
  const { pathname, search } = new URL(url, "http://kymo.test");
  return parsePlace(pathname, search);
}

const SESSION: SessionPageState = { ...SESSION_STATE_DEFAULT, id: "0192f0c1" };

describe("the list", () => {
  it.each<[Partial<ListState>, string]>([
    [{}, "/"],
    [{ range: "24h" }, "/?range=24h"],
    [{ range: "2026-11-20T16:00Z..2026-11-20T17:30Z" }, "/?range=2026-11-20T16%3A00Z..2026-11-20T17%3A30Z"],
    [{ without_errors: true, sort: "-duration" }, "/?errors=false&sort=-duration"],
    [{ sort: "started" }, "/?sort=started"],
    [{ project: "shop", filter: "user:ann -version:2.*", running: true, errors: true }, "/?project=shop&filter=user%3Aann+-version%3A2.*&state=running&errors=true"],
  ])("%o", (part, url) => {
    const list = { ...LIST_STATE_DEFAULT, ...part };
    expect(listUrl(list)).toBe(url);
    expect(placeOf(url)).toEqual({ view: "sessions", list });
  });
  it("ignores what it does not understand", () => {
    expect(placeOf("/?range=9y&state=asleep&errors=maybe&project=&sort=name")).toEqual({ view: "sessions", list: LIST_STATE_DEFAULT });
  });
});

describe("a session", () => {
  it.each<[Partial<SessionPageState>, string]>([
    [{}, "/sessions/0192f0c1"],
    [{ tab: "environment" }, "/sessions/0192f0c1?tab=environment"],
    [{ tab: "related" }, "/sessions/0192f0c1?tab=related"],
    [{ filter: "cart -level:debug", severity: "warn", event: 12 }, "/sessions/0192f0c1?filter=cart+-level%3Adebug&severity=warn&event=12"],
    [{ from_ms: 0, to_ms: 1_500, follow: true }, "/sessions/0192f0c1?from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-01T00%3A00%3A01.500Z&follow=true"],
    [{ errors: true }, "/sessions/0192f0c1?errors=true"],
    [{ grouped: false }, "/sessions/0192f0c1?grouped=false"],
    [{ severity: "error", errors: true, event: 3 }, "/sessions/0192f0c1?severity=error&errors=true&event=3"],
    [{ id: "a/b ?" }, "/sessions/a%2Fb%20%3F"],
  ])("%o", (part, url) => {
    const session = { ...SESSION, ...part };
    expect(sessionUrl(session)).toBe(url);
    expect(placeOf(url)).toEqual({ view: "session", session });
  });
  it("ignores what it does not understand", () => {
    expect(placeOf("/sessions/0192f0c1?severity=loud&errors=1&event=-1&tab=x")).toEqual({ view: "session", session: SESSION });
    expect(placeOf("/sessions/0192f0c1?from=noon&to=2026-01-01T00:00:00Z")).toEqual({ view: "session", session: SESSION });
    expect(placeOf("/sessions/0192f0c1?from=2026-01-02&to=2026-01-01")).toEqual({ view: "session", session: SESSION });
    expect(placeOf("/sessions/0192f0c1?event=1e99")).toEqual({ view: "session", session: SESSION });
  });
  it("survives a broken percent sequence", () => {
    expect(parsePlace("/sessions/%zz", "")).toEqual({ view: "session", session: { ...SESSION, id: "%zz" } });
  });
});

it("an event has an address", () => {
  expect(eventUrl("0192f0c1.12")).toBe("/events/0192f0c1.12");
  expect(placeOf("/events/0192f0c1.12")).toEqual({ view: "event", event: { id: "0192f0c1.12" } });
});

it("users and settings have addresses", () => {
  expect(placeOf("/users?range=24h&filter=ann")).toEqual({ view: "users", users: { project: null, range: "24h", filter: "ann" } });
  expect(usersUrl({ project: "shop", range: "7d", filter: "" })).toBe("/users?project=shop");
  expect(placeOf(userUrl({ key: "a/b", project: "shop" }))).toEqual({ view: "user", user: { key: "a/b", project: "shop" } });
  expect(placeOf(userUrl({ key: "a", project: null, newest: true }))).toEqual({ view: "user", user: { key: "a", project: null, newest: true } });
  expect(placeOf("/settings")).toEqual({ view: "settings", settings: { section: "projects", id: null } });
  expect(placeOf(settingsUrl({ section: "projects", id: "shop" }))).toEqual({ view: "settings", settings: { section: "projects", id: "shop" } });
});

it.each(["/nothing", "/sessions/a/b", "/users/a/b", "/settings/a/b/c"])("%s is unknown", (url) => {
  expect(placeOf(url)).toEqual({ view: "unknown" });
});

it("a range starts on a full minute", () => {
  expect(rangeFrom("1h", Date.parse("2026-11-20T16:20:42.061Z"))).toBe("2026-11-20T15:20:00.000Z");
  expect(rangeFrom("all", 0)).toBeNull();
});
