import { describe, expect, it } from "vitest";
import { type Citation, groupByDocument, pagesOf, passageAddress, placeOf } from "./sources";

const cite = (number: number, id: string, page = 0, heading = ""): Citation => ({
  number,
  document: { id, title: `Title of ${id}` },
  knowledge: "k",
  version: 1,
  page,
  heading,
  start: number * 10,
  end: number * 10 + 5,
  text: "text",
});

describe("sources of an answer", () => {
  const citations = [cite(1, "a", 37), cite(3, "b"), cite(2, "b"), cite(4, "a", 41), cite(5, "a", 37)];
  it("are grouped by document in the order of their numbers", () => {
    expect(groupByDocument(citations).map((g) => [g.document.id, g.citations.map((c) => c.number)])).toEqual([
      ["a", [1, 4, 5]],
      ["b", [2, 3]],
    ]);
  });
  it("name each page once", () => {
    expect(pagesOf(citations)).toBe("37, 41");
    expect(pagesOf([cite(1, "a")])).toBe("");
  });
  it("lead to the passage", () => {
    expect(passageAddress(cite(2, "d/1"))).toBe("/documents/d%2F1?from=20&to=25");
  });
  it("are placed by page or by the nearest heading", () => {
    const page = (n: string) => `p. ${n}`;
    expect(placeOf(cite(1, "a", 37, "Performance"), page)).toBe("p. 37");
    expect(placeOf(cite(1, "a", 0, "Performance\nBrake efficiency"), page)).toBe("Brake efficiency");
    expect(placeOf(cite(1, "a"), page)).toBe("");
    expect(placeOf(cite(1, "a", 0, "Title of a"), page)).toBe("");
  });
});
