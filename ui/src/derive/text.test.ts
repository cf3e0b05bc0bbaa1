// Numbers, marks, and how sessions and events are called.

import { describe, expect, it } from "vitest";
import type { Session, SessionEvent } from "../api/types";
import { attributeEntries, isBranch, leafText } from "./attributes";
import { markParts } from "./mark";
import { countedText, countText, shareText } from "./number";
import { applicationText, endText, eventText, whereText, whoText } from "./session_text";
import { isError, parseSeverity, severityLetter, worse } from "./severity";

describe("numbers", () => {
  it("count", () => {
    expect(countText(12_408)).toBe("12,408");
    expect(countedText(1, "event")).toBe("1 event");
    expect(countedText(0, "entry", "entries")).toBe("0 entries");
  });
  it.each([[0, 0, "0 %"], [0, 9, "0 %"], [223, 12_408, "1.8 %"], [1, 99_999, "< 0.1 %"], [999, 1_000, "99 %"], [5, 5, "100 %"]])(
    "%d of %d: %s", (part, whole, text) => expect(shareText(part, whole)).toBe(text),
  );
});

describe("markParts", () => {
  it("ignores case and finds every place", () => {
    expect(markParts("Cart in cart", "CART")).toEqual([
      { text: "Cart", marked: true }, { text: " in ", marked: false }, { text: "cart", marked: true },
    ]);
  });
  it("leaves text alone otherwise", () => {
    expect(markParts("cart", "")).toEqual([{ text: "cart", marked: false }]);
    expect(markParts("İstanbul", "s")).toEqual([{ text: "İstanbul", marked: false }]);
    expect(markParts("x".repeat(900), "")[0]?.text).toHaveLength(401);
  });
});

const SESSION = {
  kind: "user", external_id: null, user: { id: "ann", name: "Ann Okafor" }, application: "Shop", version: "1.2.3",
  host: "vm", os: "Linux 6.18", user_agent: null, state: "ended", end_reason: "normal",
} as Session;

describe("a session", () => {
  it("is called by its user, else by what is known", () => {
    expect(whoText(SESSION)).toBe("Ann Okafor");
    expect(whoText({ ...SESSION, user: { id: "ann", name: " " } })).toBe("ann");
    expect(whoText({ ...SESSION, user: null })).toBe("anonymous");
    expect(whoText({ ...SESSION, user: null, kind: "process" })).toBe("vm");
  });
  it("is described", () => {
    expect(applicationText({ ...SESSION, version: null })).toBe("Shop");
    expect(whereText(SESSION)).toBe("vm · Linux 6.18");
    expect(whereText({ ...SESSION, host: null, os: null })).toBe("");
    expect(endText(SESSION)).toBe("ended normally");
    expect(endText({ ...SESSION, state: "running", end_reason: null })).toBe("running");
  });
});

describe("eventText", () => {
  const exception = { type: "TypeError", message: "no cart", code: null, frames: [], stack_text: null, inner: null, attributes: {} };
  const event = { kind: "error", message: null, exception } as unknown as SessionEvent;
  it("prefers the message, then the exception, then the kind", () => {
    expect(eventText(event)).toBe("TypeError: no cart");
    expect(eventText({ ...event, message: "no cart" })).toBe("TypeError: no cart");
    expect(eventText({ ...event, message: "checkout failed" })).toBe("checkout failed");
    expect(eventText({ ...event, kind: "usage", exception: null })).toBe("usage");
  });
});

describe("severity", () => {
  it("has an order and a letter", () => {
    expect(worse("warn", "fatal")).toBe("fatal");
    expect([isError("warn"), isError("error"), isError("fatal")]).toEqual([false, true, true]);
    expect(severityLetter("debug")).toBe("D");
    expect([parseSeverity("warn"), parseSeverity("loud"), parseSeverity(null)]).toEqual(["warn", null, null]);
  });
});

describe("attributes", () => {
  it("are branches or leaves", () => {
    expect([isBranch({ a: 1 }), isBranch([1]), isBranch({}), isBranch([]), isBranch(null)]).toEqual([true, true, false, false, false]);
    expect(attributeEntries(["a"])).toEqual([{ key: "0", value: "a" }]);
    expect([leafText("a"), leafText(1.5), leafText(null), leafText({})]).toEqual(["a", "1.5", "null", "{}"]);
  });
});
