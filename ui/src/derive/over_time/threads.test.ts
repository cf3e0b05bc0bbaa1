// Threads as terms of the filter.

import { expect, test } from "vitest";
import { isFilteredBy, withThread } from "./threads";

test("one thread at a time", () => {
  expect(withThread("", "7")).toBe("attributes.thread.id:7");
  expect(withThread("level:>=warn attributes.thread.id:3", "7")).toBe("level:>=warn attributes.thread.id:7");
  expect(withThread("attributes.thread.id:7 a", "7")).toBe("a");
  expect(withThread("a OR b", "7")).toBe("(a OR b) attributes.thread.id:7");
  expect(isFilteredBy('"attributes.thread.id:7"', "7")).toBe(false);
});
