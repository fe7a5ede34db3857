import { describe, expect, it } from "vitest";
import { daysBetween, groupByAge, groupKey, groupOf } from "./dates";

const now = new Date(2025, 10, 24, 9, 30);

describe("groupOf", () => {
  const cases = [
    { name: "this morning", time: new Date(2025, 10, 24, 0, 1), key: "today" },
    { name: "a clock that runs ahead", time: new Date(2025, 10, 24, 12, 0), key: "today" },
    { name: "late last evening", time: new Date(2025, 10, 23, 23, 59), key: "yesterday" },
    { name: "two days ago", time: new Date(2025, 10, 22), key: "week" },
    { name: "seven days ago", time: new Date(2025, 10, 17, 23, 0), key: "week" },
    { name: "eight days ago", time: new Date(2025, 10, 16), key: "month" },
    { name: "thirty days ago", time: new Date(2025, 9, 25), key: "month" },
    { name: "thirty-one days ago", time: new Date(2025, 9, 24), key: "2025-9" },
    { name: "last year", time: new Date(2024, 11, 31), key: "2024-11" },
  ];
  for (const { name, time, key } of cases) it(name, () => expect(groupKey(groupOf(time, now))).toBe(key));
});

it("counts calendar days over the end of summer time", () => {
  expect(daysBetween(new Date(2025, 9, 25, 23, 30), new Date(2025, 9, 27, 0, 30))).toBe(2);
});

it("keeps the order of the items and makes one group of each age", () => {
  const times = [new Date(2025, 10, 24, 9), new Date(2025, 10, 24, 8), new Date(2025, 10, 23), new Date(2025, 8, 3), new Date(2025, 8, 1)];
  const groups = groupByAge(times, (t) => t, now);
  expect(groups.map((g) => [g.key, g.items.length])).toEqual([["today", 2], ["yesterday", 1], ["2025-8", 2]]);
});
