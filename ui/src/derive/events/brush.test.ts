// Ranges of a life: never empty, never beyond it.

import { expect, it } from "vitest";
import { rangeBetween, shifted, zoomed } from "./brush";

const LIFE = { from_ms: 1_000, to_ms: 11_000 };

it.each([
  [2_000.4, 3_000.2, { from_ms: 2_000, to_ms: 3_001 }],
  [3_000, 2_000, { from_ms: 2_000, to_ms: 3_000 }],
  [0, 99_000, { from_ms: 1_000, to_ms: 11_001 }],
  [5_000, 5_000, { from_ms: 4_998, to_ms: 5_000 }],
])("from %d to %d", (one, other, range) => expect(rangeBetween(one, other, LIFE)).toEqual(range));

it("goes nearer where one points and away again", () => {
  expect(zoomed(LIFE, 6_000, 0.5, LIFE)).toEqual({ from_ms: 3_500, to_ms: 8_500 });
  expect(zoomed(LIFE, 1_000, 0.5, LIFE)).toEqual({ from_ms: 1_000, to_ms: 6_000 });
  expect(zoomed({ from_ms: 2_000, to_ms: 4_000 }, 3_000, 2, LIFE)).toEqual({ from_ms: 1_000, to_ms: 5_000 });
  expect(zoomed({ from_ms: 2_000, to_ms: 9_000 }, 3_000, 2, LIFE)).toBeNull();
  expect(zoomed({ from_ms: 2_000, to_ms: 2_002 }, 2_001, 0.5, LIFE)).toEqual({ from_ms: 2_000, to_ms: 2_002 });
});

it("moves to the ends and not beyond", () => {
  expect(shifted({ from_ms: 2_000, to_ms: 4_000 }, 0.5, LIFE)).toEqual({ from_ms: 3_000, to_ms: 5_000 });
  expect(shifted({ from_ms: 2_000, to_ms: 4_000 }, -2, LIFE)).toEqual({ from_ms: 1_000, to_ms: 3_000 });
  expect(shifted({ from_ms: 9_500, to_ms: 10_500 }, 5, LIFE)).toEqual({ from_ms: 10_001, to_ms: 11_001 });
});
