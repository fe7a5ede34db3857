import { describe, expect, it } from "vitest";
import { cutPassage, pointCount, slicePoints, unitIndex } from "./code-points";

const family = "👩‍⚕️"; // four code points, five units
const rare = "𠮷"; // one code point, two units

describe("code points", () => {
  const cases = [
    { name: "plain", text: "abc", count: 2, unit: 2 },
    { name: "after an emoji", text: "😀a", count: 1, unit: 2 },
    { name: "inside a joined emoji", text: family, count: 2, unit: 3 },
    { name: "after a rare ideograph", text: `${rare}野家`, count: 1, unit: 2 },
    { name: "past the end", text: "ab", count: 9, unit: 2 },
    { name: "a lone surrogate counts as one", text: "\ud83dx", count: 1, unit: 1 },
  ];
  for (const { name, text, count, unit } of cases) it(name, () => expect(unitIndex(text, count)).toBe(unit));

  it("counts and slices as Array.from does", () => {
    const text = `Dose ${family} 5 mg ${rare}野家の牛丼 é ü 🇩🇪!`;
    const points = Array.from(text);
    expect(pointCount(text)).toBe(points.length);
    for (let a = 0; a <= points.length; a++) {
      for (let b = a; b <= points.length; b++) expect(slicePoints(text, a, b)).toBe(points.slice(a, b).join(""));
    }
  });
});

describe("cutPassage", () => {
  it("marks the part of the block that the passage covers", () => {
    const text = `${rare}の効率は😀高い。次の文。`;
    const start = 100;
    expect(cutPassage(text, start, 102, 106)).toEqual({ before: `${rare}の`, marked: "効率は😀", after: "高い。次の文。" });
  });
  const cases = [
    { name: "a passage that ends before the block", from: 0, to: 10, want: { before: "abcdef", marked: "", after: "" } },
    { name: "a passage that begins behind the block", from: 16, to: 20, want: { before: "abcdef", marked: "", after: "" } },
    { name: "a passage that runs through the block", from: 5, to: 40, want: { before: "", marked: "abcdef", after: "" } },
    { name: "a passage that begins inside", from: 13, to: 40, want: { before: "abc", marked: "def", after: "" } },
    { name: "a passage that ends inside", from: 0, to: 12, want: { before: "", marked: "ab", after: "cdef" } },
    { name: "an empty passage", from: 12, to: 12, want: { before: "abcdef", marked: "", after: "" } },
  ];
  for (const { name, from, to, want } of cases) it(name, () => expect(cutPassage("abcdef", 10, from, to)).toEqual(want));
});
