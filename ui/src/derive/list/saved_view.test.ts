// Views are the address.

import { expect, it } from "vitest";
import { LIST_STATE_DEFAULT, type ListState } from "../url_state";
import { listOf, newViewId, viewOf } from "./saved_view";

it("comes back as it was", () => {
  const list: ListState = { ...LIST_STATE_DEFAULT, project: "shop", range: "24h", filter: 'user:"Ann O"', running: true, without_errors: true, sort: "-errors" };
  expect(viewOf(list)).toEqual({ project: "shop", range: "24h", filter: 'user:"Ann O"', state: "running", errors: "false", sort: "-errors" });
  expect(listOf(viewOf(list), "shop")).toEqual(list);
  expect(listOf(viewOf(list), null)).toEqual({ ...list, project: null });
});

it("leaves out what is not known", () => {
  expect(listOf({ range: 7, colour: "blue", sort: "name" }, null)).toEqual(LIST_STATE_DEFAULT);
});

it("makes ids as the API wants them", () => {
  expect(newViewId((bytes) => bytes.fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
});
