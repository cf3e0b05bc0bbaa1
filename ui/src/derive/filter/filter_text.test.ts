// What a click makes of a filter.

import { describe, expect, it } from "vitest";
import { quoteValue, termText, toggleTerm, topTerms, wishOf, type Wish } from "./filter_text";

describe("values are quoted where their signs mean something", () => {
  it.each([
    ["2.15.0", "2.15.0"],
    ["ann@example.test", "ann@example.test"],
    ["Zoë", "Zoë"],
    ["Ann Okafor", '"Ann Okafor"'],
    ['Lamp "Luna"', '"Lamp \\"Luna\\""'],
    ["C:\\temp", '"C:\\\\temp"'],
    ["2.*", '"2.*"'],
    ["-1", '"-1"'],
    ["OR", '"OR"'],
    ["", '""'],
  ])("%s", (value, expected) => expect(quoteValue(value)).toBe(expected));
  it("a property may be called anything", () => expect(termText("properties.my key", "a")).toBe("properties.my\\ key:a"));
});

describe("a term is added, taken away and turned", () => {
  it.each<[string, string, string, Wish, string]>([
    ["", "version", "2.1", "for", "version:2.1"],
    ["*", "version", "2.1", "for", "version:2.1"],
    ["", "version", "2.1", "out", "-version:2.1"],
    ["user:ann", "application", "The Shop", "for", 'user:ann application:"The Shop"'],
    ["a OR b", "version", "2.1", "for", "(a OR b) version:2.1"],
    ["(a OR b) c", "version", "2.1", "for", "(a OR b) c version:2.1"],
    ['"a OR b"', "version", "2.1", "for", '"a OR b" version:2.1'],
    ["user:ann version:2.1 error:true", "version", "2.1", "for", "user:ann error:true"],
    ["user:ann AND version:2.1", "version", "2.1", "for", "user:ann"],
    ["version:2.1 AND user:ann", "version", "2.1", "for", "user:ann"],
    ['version:"2.1"', "version", "2.1", "for", ""],
    ["VERSION:2.1", "version", "2.1", "for", ""],
    ["-version:2.1 x", "version", "2.1", "for", "version:2.1 x"],
    ["x version:2.1", "version", "2.1", "out", "x -version:2.1"],
    ["version:2.*", "version", "2.*", "for", 'version:2.* version:"2.*"'],
    ["version:>2", "version", "2", "for", "version:>2 version:2"],
    ["(version:2.1)", "version", "2.1", "for", "(version:2.1) version:2.1"],
    ["version:2.1 OR a", "version", "2.1", "for", "(version:2.1 OR a) version:2.1"],
    ['application:"Lamp \\"Luna\\""', "application", 'Lamp "Luna"', "for", ""],
  ])("%s + %s:%s %s", (filter, field, value, wish, expected) => {
    expect(toggleTerm(filter, field, value, wish)).toBe(expected);
  });
  it("twice is nothing", () => {
    for (const value of ["2.1", "a b", 'a"b', "a\\b", "x:y", "(", "ü"]) {
      for (const wish of ["for", "out"] as const) {
        const once = toggleTerm("user:ann", "host", value, wish);
        expect(wishOf(once, "host", value)).toBe(wish);
        expect(toggleTerm(once, "host", value, wish)).toBe("user:ann");
      }
    }
  });
});

it("terms are split outside of quotation marks and parentheses", () => {
  expect(topTerms(' a "b c"  (d OR e) f:[1 TO 2] g\\ h "open ').map(({ text }) => text)).toEqual([
    "a", '"b c"', "(d OR e)", "f:[1 TO 2]", "g\\ h", '"open ',
  ]);
});
