// Own code and library frames.

import { describe, expect, it } from "vitest";
import type { Exception, Frame, JsonObject } from "../api/types";
import { exceptionChain, exceptionText, exceptionData, foldFrames, frameNameText, framePlaceText, isLibraryFrame } from "./frames";

function frame(file: string | null, name: string | null = "run", type: string | null = null): Frame {
  return { function: name, type, file, line: 88, column: 11, attributes: {} };
}

describe("isLibraryFrame", () => {
  it.each([
    ["/srv/shop/src/app.mjs", false], ["/srv/shop/node_modules/express/lib/router.js", true],
    ["C:\\shop\\node_modules\\express\\index.js", true], ["node:internal/process/task_queues", true],
    ["internal/modules/cjs/loader.js", true], ["webpack:///webpack/bootstrap", true], ["webpack:///./src/cart.ts", false],
    ["/home/ann/.cargo/registry/src/index/tokio-1.52/src/lib.rs", true], ["/usr/lib/python3/dist-packages/x.py", true],
    ["/srv/node_modules_of_mine/app.js", false],
  ])("%s: %s", (file, is_library) => expect(isLibraryFrame(frame(file))).toBe(is_library));

  it("knows the standard libraries by type", () => {
    expect(isLibraryFrame(frame(null, "Invoke", "System.Threading.Tasks.Task"))).toBe(true);
    expect(isLibraryFrame(frame(null, "Place", "Shop.Orders"))).toBe(false);
    expect(isLibraryFrame(frame(null, "<anonymous>"))).toBe(true);
  });
});

describe("foldFrames", () => {
  const own = frame("/srv/a.mjs");
  const library = frame("node:internal/x");
  it("folds runs and keeps the order", () => {
    expect(foldFrames([own, library, library, own, library])).toEqual([
      { own: true, frame: own }, { own: false, frames: [library, library] }, { own: true, frame: own }, { own: false, frames: [library] },
    ]);
  });
  it("leaves a stack without own code open", () => {
    expect(foldFrames([library, library]).every((group) => group.own)).toBe(true);
    expect(foldFrames([])).toEqual([]);
  });
});

describe("exceptionChain", () => {
  const inner: Exception = { type: "B", message: null, code: null, frames: [], stack_text: null, inner: null, attributes: {} };
  it("is outermost first", () => {
    expect(exceptionChain({ ...inner, type: "A", inner }).map((exception) => exception.type)).toEqual(["A", "B"]);
    expect(exceptionChain(null)).toEqual([]);
  });
  it("ends where data loops", () => {
    const loop: Exception = { ...inner };
    loop.inner = loop;
    expect(exceptionChain(loop)).toHaveLength(32);
  });
});

describe("frame texts", () => {
  it("show as much as is known", () => {
    expect(frameNameText(frame(null, "load", "Cart"))).toBe("Cart.load");
    expect(frameNameText(frame(null, "Cart.load", "Cart"))).toBe("Cart.load");
    expect(frameNameText(frame(null, null))).toBe("(anonymous)");
    expect(framePlaceText(frame("/a.mjs"))).toBe("/a.mjs:88:11");
    expect(framePlaceText({ ...frame("/a.mjs"), column: null })).toBe("/a.mjs:88");
    expect(framePlaceText({ ...frame("/a.mjs"), line: null })).toBe("/a.mjs");
    expect(framePlaceText(frame(null))).toBe("");
  });
});

describe("exceptionData", () => {
  const check = (attributes: JsonObject, expected: JsonObject | null) => expect(exceptionData({ attributes } as Exception)).toEqual(expected);
  it("takes off the agent's wrapping, and nothing else", () => {
    check({ data: { "@ext": { order: 1 } } }, { order: 1 });
    check({ data: { "@ext": { order: 1 }, more: 2 } }, { "@ext": { order: 1 }, more: 2 });
    check({ "@ext": { order: 1 } }, { order: 1 });
    check({ data: "text" }, { data: "text" });
    check({ data: {} }, null);
    check({}, null);
  });
});

it("an exception as text has its causes and their frames", () => {
  const cause = { type: "TypeError", message: "no", code: null, frames: [], stack_text: "at x", inner: null, attributes: {} };
  const frame = { function: "save", type: null, file: "/a.js", line: 12, column: 3, attributes: {} };
  const outer = { ...cause, type: "SaveError", message: "lost", frames: [frame], stack_text: null, inner: cause };
  expect(exceptionText(outer)).toBe("SaveError: lost\n    at save (/a.js:12:3)\ncaused by TypeError: no\nat x");
});
