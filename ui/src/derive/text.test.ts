// Numbers, marks, and how sessions and events are called.

import { describe, expect, it } from "vitest";
import type { Session, SessionEvent } from "../api/types";
import { attributeEntries, attributeLabel, isBranch, leafText, valueText } from "./attributes";
import { markParts } from "./mark";
import { countedText, countText, shareText } from "./number";
import { applicationText, droppedText, categoryText, endText, eventText, missingText, ownMessage, whereText, whoText } from "./session_text";
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
    expect(markParts("İstanbul", "S").map((part) => part.text)).toEqual(["İ", "s", "tanbul"]);
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
    const tab: Session = { ...SESSION, user: null, kind: "browser", external_id: "82166453-7022-4569", visit_id: null };
    expect(whoText(tab)).toBe("visit 82166453");
    expect(whoText({ ...tab, visit_id: "0f0e0d0c-0b0a" })).toBe("visit 0f0e0d0c");
  });
  it("says what came for it and is not in its list", () => {
    expect(droppedText({})).toBeNull();
    expect(droppedText({ duplicate: 2, late_heartbeat: 1 })).toBe("2 duplicates, 1 late heartbeat");
  });
  it("of a program says what is not here", () => {
    const process = { recorded: 9, missing: 0, lost: {}, previous_id: null, messages: 0, awaited_errors: 0, requested: false };
    expect(missingText(SESSION)).toBeNull();
    expect(missingText({ ...SESSION, process })).toBeNull();
    expect(missingText({ ...SESSION, process: { ...process, missing: 1, lost: { disk_full: 3 } } })).toBe("1 event missing, 3 lost (disk full)");
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
    const uncaught = { ...event, message: "TypeError", exception: { ...exception, message: "Uncaught TypeError: no cart" } };
    expect([eventText(uncaught), ownMessage(uncaught)]).toEqual(["Uncaught TypeError: no cart", null]);
    expect(eventText({ ...event, kind: "deployment", exception: null })).toBe("deployment");
  });
});

describe("an event without a message", () => {
  const check = (kind: string, category: string | null, text: string, shown_category: string) => {
    const event = { kind, category, message: null, exception: null } as SessionEvent;
    expect([eventText(event), categoryText(event).text]).toEqual([text, shown_category]);
  };
  it("says what its kind means", () => {
    check("session.start", null, "session started", "session");
    check("session.end", null, "session ended", "session");
    check("usage", "express checkout", "used: express checkout", "usage");
    check("not_found", "/a.png", "not found: /a.png", "not found");
    check("log", "shop.cart", "shop.cart", "log");
  });
  it("keeps its category beside a message", () => {
    expect(categoryText({ kind: "log", category: "shop", message: "hello", exception: null } as SessionEvent)).toEqual({ text: "shop", is_kind: false });
  });
  it("does not say twice what its exception says", () => {
    const event = { message: "no cart", exception: { message: "no cart" } } as SessionEvent;
    expect([ownMessage(event), ownMessage({ ...event, message: "checkout failed" })]).toEqual([null, "checkout failed"]);
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
    expect([isBranch({ a: 1 }), isBranch([{}]), isBranch({}), isBranch([]), isBranch(null)]).toEqual([true, true, false, false, false]);
    expect([leafText("a"), leafText(1.5), leafText(null), leafText({}), leafText([])]).toEqual(["a", "1.5", "null", "{}", "[]"]);
  });
  it("put a short list into a line", () => {
    expect([isBranch(["a", "b"]), leafText(["a", "b"]), isBranch(["long".repeat(20)])]).toEqual([false, "a, b", true]);
  });
  it("show the application's own first", () => {
    const entries = attributeEntries({ "@request": {}, "@version": "1", cart: 1, "@tags": ["a"] });
    expect(entries.map((entry) => entry.label)).toEqual(["cart", "Tags", "Version", "Request"]);
  });
  it("have readable labels where the key is the agent's", () => {
    const check = (key: string, parent: string | null, label: string) => expect(attributeLabel(key, parent)).toBe(label);
    check("@level", null, "Level");
    check("@submission_method", null, "Caught by");
    check("@ref:order", null, "Reference order");
    check("o_s_name", "@environment", "OS name");
    check("client_ip_address", "@request", "Client IP address");
    check("order_total", null, "order_total");
    check("x_y", "headers", "x_y");
    check("@", null, "@");
  });
  it("show memory in a unit to read", () => {
    expect(valueText("total_physical_memory", "@environment", 8_388_608_000)).toBe("7.8 GB");
    expect(valueText("total_physical_memory", null, 8_388_608_000)).toBe("8388608000");
    expect(valueText("processor_count", "@environment", 8)).toBe("8");
  });
});
