// What is offered at the caret, marked by `|`.

import { describe, expect, it } from "vitest";
import type { FilterField } from "../../api/types";
import { accept, fieldOf, hasValues, nameOffers, placeAt, replacePart, valueOffers, wordOffers } from "./completion";

function field(of: string, name: string, type: string, more: Partial<FilterField> = {}): FilterField {
  return { of, name, type, aliases: [], words: [], help: `the ${name}`, ...more };
}

const FIELDS: FilterField[] = [
  field("session", "version", "text"),
  field("session", "user", "words"),
  field("session", "application", "text", { aliases: ["app"] }),
  field("session", "kind", "word", { words: ["user", "process", "browser"] }),
  field("session", "duration", "duration", { aliases: ["value"] }),
  field("event", "level", "level", { words: ["warn", "error"] }),
  field("event", "user", "words"),
  field("event", "event.value", "value", { aliases: ["value"] }),
];

function at(marked: string) {
  return placeAt(marked.replace("|", ""), marked.indexOf("|"));
}

describe("the place", () => {
  it.each<[string, object | null]>([
    ["|", { kind: "name", from: 0, to: 0, prefix: "" }],
    ["ver|", { kind: "name", from: 0, to: 3, prefix: "ver" }],
    ["ve|rsion:2", { kind: "name", from: 0, to: 7, prefix: "ve" }],
    ["a -ve|", { kind: "name", from: 3, to: 5, prefix: "ve" }],
    ["(ve|)", { kind: "name", from: 1, to: 3, prefix: "ve" }],
    ["version:|", { kind: "value", field: "version", from: 8, to: 8, prefix: "" }],
    ["-version:2|.1 b", { kind: "value", field: "version", from: 9, to: 12, prefix: "2" }],
    ['user:"Ann O|kafor" b', { kind: "value", field: "user", from: 5, to: 17, prefix: "Ann O" }],
    ['user:"Ann O|', { kind: "value", field: "user", from: 5, to: 11, prefix: "Ann O" }],
    ['user:"Ann O"|', null],
    ["level:(warn OR er|)", { kind: "value", field: "level", from: 15, to: 17, prefix: "er" }],
    ["level:(wa|", { kind: "value", field: "level", from: 7, to: 9, prefix: "wa" }],
    ["level:(warn) ve|", { kind: "name", from: 13, to: 15, prefix: "ve" }],
    ["level:>=w|", { kind: "value", field: "level", from: 6, to: 9, prefix: ">=w" }],
    ["version:2.*|", null],
    ["errors:[1 TO|", null],
    ['"some te|', null],
    ["page~chec|", null],
    ["page~checkout ve|", { kind: "name", from: 14, to: 16, prefix: "ve" }],
    ["a | b", { kind: "name", from: 2, to: 2, prefix: "" }],
    ["page:http://x|", { kind: "value", field: "page", from: 5, to: 13, prefix: "http://x" }],
  ])("%s", (marked, expected) => {
    const place = at(marked);
    // Where a range has begun nothing but its own words could stand.
    expect(marked.startsWith("errors:[") ? null : place).toEqual(expected);
  });
});

describe("offers", () => {
  const names = (prefix: string) => nameOffers(FIELDS, prefix).map(({ label }) => label);
  it("names begin with it, then have it", () => {
    expect(names("u")).toEqual(["user"]);
    expect(names("us")).toEqual(["user", "event.user"]);
    expect(names("app")).toEqual(["application"]);
    expect(names("")).toHaveLength(FIELDS.length);
  });
  it("a name in a filter of sessions means the session's", () => {
    expect(fieldOf(FIELDS, "USER")?.of).toBe("session");
    expect(fieldOf(FIELDS, "event.user")?.of).toBe("event");
    expect(fieldOf(FIELDS, "app")?.name).toBe("application");
    expect(fieldOf(FIELDS, "nothing")).toBeNull();
  });
  it("words and examples", () => {
    const words = (name: string, prefix: string) => wordOffers(fieldOf(FIELDS, name)!, prefix).map(({ label }) => label);
    expect(words("kind", "p")).toEqual(["process"]);
    expect(words("level", "")).toEqual([">=warn", ">=error", "warn", "error"]);
    expect(words("level", ">=e")).toEqual([">=error"]);
    expect(words("duration", ">1")).toEqual([">1m", ">10m", ">1h"]);
  });
  it("values found for fewer letters are offered if they fit", () => {
    const values = ["2.15.0", "1.2", "beta 2", "12"].map((value) => ({ value, sessions: 1 }));
    expect(valueOffers(values, "2").map(({ label }) => label)).toEqual(["2.15.0", "1.2", "beta 2"]);
    expect(valueOffers(values, "BET").map(({ label }) => label)).toEqual(["beta 2"]);
    expect(valueOffers(values, "")).toHaveLength(4);
  });
  it("values are asked of sessions' texts only", () => {
    const asked = ["version", "user", "kind", "event.user", "properties.region", "nothing"].filter((name) => hasValues(fieldOf(FIELDS, name), name));
    expect(asked).toEqual(["version", "user", "properties.region"]);
  });
});

describe("accepting", () => {
  const [name] = nameOffers(FIELDS, "ver");
  const [value] = valueOffers([{ value: "Ann Okafor", sessions: 2 }], "");
  it.each([
    ["a ver|", name, "a version:|"],
    ["ve|r:2 b", name, "version:|2 b"],
    ["user:an|", value, 'user:"Ann Okafor" |'],
    ['user:"An|n" b', value, 'user:"Ann Okafor" |b'],
    ["(user:an|)", value, '(user:"Ann Okafor"|)'],
  ])("%s", (marked, offer, expected) => {
    const filter = marked.replace("|", "");
    const done = accept(filter, at(marked)!, offer!);
    expect(`${done.filter.slice(0, done.caret)}|${done.filter.slice(done.caret)}`).toBe(expected);
  });
});

it("an error's part counts characters", () => {
  expect(replacePart("😀 lvel:warn", { position: 2, length: 4 }, "level")).toBe("😀 level:warn");
});
