// Terms that are written for a click, and what of a filter is marked in a line.

import { describe, expect, it } from "vitest";
import { markParts } from "../mark";
import { filterMarks } from "./filter_marks";
import { attributeTerm, splitTerms, termOf, withTerm } from "./filter_terms";

it.each([
  ["region", "eu-test", "region:eu-test"],
  ["category", "Http Handler", 'category:"Http Handler"'],
  ["category", "a*", 'category:"a*"'],
  ["category", "-a", 'category:"-a"'],
  ["category", "OR", 'category:"OR"'],
  ["user.id", "ann@example.test", "user.id:ann@example.test"],
  ["message", 'say "no"\\', 'message:"say \\"no\\"\\\\"'],
  ["level", ">1", 'level:">1"'],
])("%s is %s", (field, value, term) => expect(termOf(field, value)).toBe(term));

it.each<[string[], unknown, string | null]>([
  [["region"], "eu", "attributes.region:eu"],
  [["@request", "headers", "X-Id"], "1", "attributes.@request.headers.X-Id:1"],
  [["my key"], 1.5, "attributes.my\\ key:1.5"],
  [["@ref:session"], true, "attributes.@ref\\:session:true"],
  [["n"], -1, 'attributes.n:"-1"'],
  [["@tags"], ["a b", "c"], 'attributes.@tags:"a b"'],
  [["x"], "", null],
  [["x"], null, null],
  [["x"], [], null],
])("%o %o", (path, value, term) => expect(attributeTerm(path, value)).toBe(term));

it.each([
  ['a "b c" d', ["a", '"b c"', "d"]],
  ['(a OR "b )c") x:[1 TO 2]', ['(a OR "b )c")', "x:[1 TO 2]"]],
  ["a\\ b c", ["a\\ b", "c"]],
  ["", []],
])("%s", (filter, parts) => expect(splitTerms(filter)).toEqual(parts));

it.each([
  ["", "a:1", false, "a:1"],
  ["x", "a:1", true, "x -a:1"],
  ["x -a:1", "a:1", false, "x a:1"],
  ["a:1 x", "a:1", true, "x -a:1"],
  ["a:1", "a:1", false, "a:1"],
  ["x OR y", "a:1", true, "(x OR y) -a:1"],
  ['"x OR y"', "a:1", false, '"x OR y" a:1'],
])("%s with %s (out: %s)", (filter, term, is_out, expected) => expect(withTerm(filter, term, is_out)).toBe(expected));

describe("marks", () => {
  it.each([
    ["disk", "The disk is full, diskette", "disk"],
    ["disk*", "Diskette", "Disk"],
    ['"disk full"', "disk-full disk is full", "disk-full"],
    ["~isk", "diskette", "isk"],
    ["message:disk level:warn", "warn disk", "disk"],
    ["message~is", "this", "is"],
    ["-disk full", "disk full", "full"],
    ["NOT disk full", "disk full", "full"],
    ["a OR b", "a or b", "a|b"],
    ["(a -c) b", "a b c", "a|b"],
    ["duration:>60 started:[now-7d TO now]", "60 now", ""],
    ["kettle,", "kettle, copper", "kettle"],
    ["*", "anything", ""],
    ["", "anything", ""],
  ])("%s in %s", (filter, text, marked) => {
    const parts = markParts(text, filterMarks(filter));
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(parts.filter((part) => part.marked).map((part) => part.text).join("|")).toBe(marked);
  });
});
