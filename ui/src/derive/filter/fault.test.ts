// The server's sentence without what is shown beside it.

import { expect, it } from "vitest";
import { faultText } from "./fault";

it.each([
  ["filter, character 10: there is no field lvel; did you mean level?", "level", "There is no field lvel."],
  ["filter, character 1: expected a term", null, "Expected a term."],
  ["something else", "x", "Something else."],
])("%s", (detail, suggestion, expected) => {
  expect(faultText({ position: 0, length: 1, detail, suggestion })).toBe(expected);
});
