import { describe, expect, it } from "vitest";
import { passageSearch } from "./passage-search";

describe("passageSearch", () => {
  const cases = [
    { name: "a passage", search: { from: 10, to: 20, n: 2 }, want: { from: 10, to: 20, n: 2 } },
    { name: "a passage as text", search: { from: "10", to: "20" }, want: { from: 10, to: 20 } },
    { name: "only a place", search: { from: 0 }, want: { from: 0 } },
    { name: "an end before the beginning", search: { from: 10, to: 10 }, want: { from: 10 } },
    { name: "no number", search: { from: "x", to: 5 }, want: {} },
    { name: "a negative number", search: { from: -1 }, want: {} },
    { name: "a fraction", search: { from: 1.5 }, want: {} },
    { name: "nothing", search: {}, want: {} },
  ];
  for (const { name, search, want } of cases) it(name, () => expect(passageSearch(search)).toEqual(want));
});
