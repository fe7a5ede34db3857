import { describe, expect, it } from "vitest";
import type { Block } from "@/api/content";
import { arrange, cellsOf } from "./layout";

const block = (kind: Block["kind"], text: string, page = 0, start = 0): Block => ({ kind, level: 1, page, text, start, end: start + Array.from(text).length });

describe("arrange", () => {
  it("sets items together, rows together, and says where a page begins", () => {
    const blocks = [
      block("heading", "h", 1),
      block("item", "a", 1),
      block("item", "b", 1),
      block("item", "c", 2),
      block("row", "d", 2),
      block("row", "e", 2),
      block("paragraph", "f", 2),
      block("row", "g", 2),
    ];
    expect(arrange(blocks).map((s) => s.kind)).toEqual(["page", "heading", "list", "page", "list", "table", "paragraph", "table"]);
    expect(arrange(blocks, { page: 1 })[0]?.kind).toBe("heading");
  });
  it("says where a sheet begins, once", () => {
    const row = (sheet: string, start: number): Block => ({ ...block("row", "a | b", 0, start), sheet });
    const blocks = [row("Q1", 0), row("Q1", 6), row("Q2", 12)];
    expect(arrange(blocks).map((s) => (s.kind === "sheet" ? s.sheet : s.kind))).toEqual(["Q1", "table", "Q2", "table"]);
    expect(arrange(blocks, { page: 0, sheet: "Q1" }).map((s) => s.kind)).toEqual(["table", "sheet", "table"]);
  });
});

describe("cellsOf", () => {
  it("keeps the offsets of the document, in code points", () => {
    expect(cellsOf(block("row", "Last | 😀 25 % | 𠮷", 0, 100))).toEqual([
      { text: "Last", start: 100, column: 1 },
      { text: "😀 25 %", start: 107, column: 2 },
      { text: "𠮷", start: 116, column: 3 },
    ]);
  });
  it("takes a row without partings as one cell", () => {
    expect(cellsOf(block("row", "a", 0, 5))).toEqual([{ text: "a", start: 5, column: 1 }]);
  });
});
