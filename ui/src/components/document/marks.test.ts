import { describe, expect, it } from "vitest";
import type { Block } from "@/api/content";
import { joinCells, marksOf, placeOfPassage } from "./marks";

type Line = NonNullable<Block["boxes"]>[number];
const line = (from: number, to: number, change: Partial<Line> = {}): Line => ({ from, to, page: 3, x: 0.1, y: 0.2, w: 0.8, h: 0.02, ...change });
const block = (change: Partial<Block> = {}): Block => ({ kind: "paragraph", level: 0, page: 3, text: "a".repeat(100), start: 1_000, end: 1_100, ...change });

describe("marksOf", () => {
  const lines = [line(0, 40), line(40, 80, { y: 0.22 }), line(80, 100, { y: 0.24, w: 0.4 })];
  const at = (from: number, to: number, ...blocks: Block[]) =>
    marksOf(blocks, { from, to }).map(({ page, x, y, w }) => [page, ...[x, y, w].map((n) => Math.round(n * 1_000) / 1_000)]);

  it("takes whole lines whole and the first and last in part", () => {
    expect(at(1_020, 1_090, block({ boxes: lines }))).toEqual([
      [3, 0.5, 0.2, 0.4],
      [3, 0.1, 0.22, 0.8],
      [3, 0.1, 0.24, 0.2],
    ]);
  });
  it("leaves out lines and blocks that only touch it", () => {
    expect(at(1_040, 1_080, block({ boxes: lines }), block({ start: 1_101, end: 1_201, boxes: lines }))).toEqual([[3, 0.1, 0.22, 0.8]]);
    expect(at(1_000, 1_000, block({ boxes: lines }))).toEqual([]);
    expect(at(1_000, 1_050, block())).toEqual([]);
  });
  it("goes over to the next page with the line", () => {
    expect(at(1_000, 1_080, block({ boxes: [line(0, 40), line(40, 80, { page: 4, y: 0.05 })] })).map(([page]) => page)).toEqual([3, 4]);
    expect(at(1_000, 1_010, block({ boxes: [line(0, 40, { page: 0 })] }))[0]?.[0]).toBe(3);
  });
  it("begins at the right where the text does, and marks turned lines whole", () => {
    expect(at(1_000, 1_020, block({ text: "שלום ".repeat(20), boxes: [line(0, 40)] }))).toEqual([[3, 0.5, 0.2, 0.4]]);
    expect(at(1_000, 1_020, block({ boxes: [line(0, 40, { w: 0.02, h: 0.5 })] }))).toEqual([[3, 0.1, 0.2, 0.02]]);
  });
  it("never leaves the page", () => {
    expect(at(1_000, 1_040, block({ boxes: [line(0, 40, { x: -0.1, w: 1.3 })] }))).toEqual([[3, 0, 0.2, 1]]);
  });
});

describe("placeOfPassage", () => {
  it("is the page of the first marked line", () => {
    expect(placeOfPassage([block({ boxes: [line(0, 50), line(50, 100, { page: 4 })] })], { from: 1_060, to: 1_070 })?.page).toBe(4);
    expect(placeOfPassage([block()], { from: 1_060, to: 1_070 })).toEqual({ page: 3, sheet: "", cells: "", file: "" });
    expect(placeOfPassage([block()], { from: 0, to: 10 })).toBeUndefined();
  });
  it("is the sheet and the cells of all its rows", () => {
    const row = (start: number, cells: string) => block({ kind: "row", page: 0, sheet: "Q1", cells, start, end: start + 10 });
    expect(placeOfPassage([row(0, "A2:F2"), row(11, "A3:F3"), row(22, "B5:AA5"), row(33, "A6:F6")], { from: 11, to: 30 })).toEqual({ page: 0, sheet: "Q1", cells: "A3:AA5", file: "" });
  });
});

describe("joinCells", () => {
  it.each([
    [["A3:F3"], "A3:F3"],
    [["B2"], "B2"],
    [["Z9:Z9", "AB1"], "Z1:AB9"],
    [["", "no cell"], ""],
    [[], ""],
  ])("joins %j to %s", (ranges, joined) => expect(joinCells(ranges)).toBe(joined));
});
