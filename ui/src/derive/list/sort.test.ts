// The order of the list.

import { expect, it } from "vitest";
import type { Session } from "../../api/types";
import { compareSessions, nextSort, parseSort, sortChoices } from "./sort";

it.each([["-duration", "-duration"], ["events", "events"], ["--events", null], ["name", null], ["", null], [null, null]])("%s", (text, expected) => {
  expect(parseSort(text)).toBe(expected);
});

it("a head turns its own order", () => {
  expect(nextSort("-started", "errors")).toBe("-errors");
  expect(nextSort("-errors", "errors")).toBe("errors");
  expect(nextSort("errors", "errors")).toBe("-errors");
});

it("the order that holds is among the choices", () => {
  expect(sortChoices("-errors").map(({ sort }) => sort)).toEqual(["-started", "-last_activity", "-duration", "-events", "-errors"]);
  expect(sortChoices("events").at(-1)).toEqual({ sort: "events", text: "Fewest events" });
});

it("ties are broken by id, in the same direction", () => {
  const session = (id: string, event_count: number) => ({ id, event_count }) as Session;
  const rows = [session("a", 2), session("b", 2), session("c", 1)];
  const ids = (sort: "events" | "-events") => rows.toSorted(compareSessions(sort)).map(({ id }) => id).join("");
  expect(ids("events")).toBe("cab");
  expect(ids("-events")).toBe("bac");
});
