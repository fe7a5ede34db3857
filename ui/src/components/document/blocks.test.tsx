import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Block } from "@/api/content";
import { show } from "@/test/render";
import { PaperBlocks } from "./blocks";
import { headRows } from "./layout";

let at = 0;
/** A block behind the last one; the first of a test begins at 0. */
function block(change: Partial<Block> & { text: string }, begin = false): Block {
  if (begin) at = 0;
  const start = at;
  at += Array.from(change.text).length + 1;
  return { kind: "paragraph", level: 0, page: 0, start, end: at - 1, ...change };
}

const paper = (blocks: Block[], passage?: { from: number; to: number; number?: number }) =>
  show(<div className="paper"><PaperBlocks blocks={blocks} slides={false} passage={passage} /></div>);

describe("a document as a clean page", () => {
  it("shows a sheet with the names of its columns and rows, and the cited cells marked", async () => {
    const rows = [
      block({ kind: "row", sheet: "Stock", cells: "B3:D3", first: true, text: "Part | Shelf", grid: [{ column: 2, from: 0, to: 4 }, { column: 4, from: 7, to: 12 }] }, true),
      block({ kind: "row", sheet: "Stock", cells: "B4:D4", text: "Seal | B7", grid: [{ column: 2, from: 0, to: 4 }, { column: 4, from: 7, to: 9 }] }),
    ];
    paper(rows, { from: rows[1]?.start ?? 0, to: rows[1]?.end ?? 0, number: 2 });
    const table = within(await screen.findByRole("region", { name: /Rows of a sheet/ })).getByRole("table");
    expect(within(table).getAllByRole("columnheader").map((h) => h.textContent)).toEqual(["", "A", "B", "C", "D"]);
    expect(within(table).getAllByRole("rowheader").map((h) => h.textContent)).toEqual(["3", "4"]);
    expect(document.querySelector("[data-cell=D3]")).toHaveTextContent("Shelf");
    expect(Array.from(document.querySelectorAll(".cited"), (cell) => cell.getAttribute("data-cell"))).toEqual(["B4", "D4"]);
    expect(screen.getAllByText("Passage 2")).toHaveLength(1);
  });

  it("shows tables with their heads, and empty cells in their columns", async () => {
    paper([
      block({ kind: "row", role: "head", first: true, text: "Part | Max", grid: [{ column: 1, from: 0, to: 4 }, { column: 2, from: 7, to: 10 }] }, true),
      block({ kind: "row", text: "7", grid: [{ column: 2, from: 0, to: 1 }] }),
      block({ kind: "row", first: true, text: "another | table" }),
    ]);
    const [first, second] = await screen.findAllByRole("table");
    expect(within(first as HTMLElement).getAllByRole("columnheader").map((h) => h.textContent)).toEqual(["Part", "Max"]);
    expect(within(first as HTMLElement).getAllByRole("cell").map((c) => c.textContent)).toEqual(["", "7"]);
    expect(within(second as HTMLElement).queryByRole("columnheader")).not.toBeInTheDocument();
  });

  it("shows a mail with its header and what is attached, each file with its own pages", async () => {
    paper([
      block({ kind: "heading", level: 1, text: "Visit" }, true),
      block({ role: "header", text: "From: A <a@b.test>\nAttachments: x.pdf, y.pdf" }),
      block({ kind: "heading", level: 2, role: "attachment", text: "x.pdf" }),
      block({ page: 1, file: "x.pdf", text: "one" }),
      block({ kind: "heading", level: 2, role: "attachment", text: "y.pdf" }),
      block({ page: 1, file: "y.pdf", text: "two" }),
    ]);
    expect(await screen.findByText("From")).toBeInTheDocument();
    expect(screen.getByText("A <a@b.test>")).toHaveProperty("tagName", "DD");
    expect(screen.getByRole("heading", { name: /y\.pdf/ })).toBeInTheDocument();
    expect(screen.getAllByText("Page 1")).toHaveLength(2);
  });

  it("shows notes apart and code with its language, and runs nothing", async () => {
    paper([
      block({ role: "notes", text: "Notes: <img src=x onerror=alert(1)>" }, true),
      block({ kind: "code", lang: "go", text: "<script>alert(1)</script>" }),
    ]);
    expect(await screen.findByRole("note")).toHaveTextContent("Notes: <img src=x onerror=alert(1)>");
    expect(screen.getByText("go")).toBeInTheDocument();
    expect(document.querySelector(".paper img, .paper script")).toBeNull();
  });
});

describe("headRows", () => {
  const row = (text: string, first = false) => block({ kind: "row", text, first });
  it.each([
    ["what the document says", [{ ...row("1", true), role: "head" as const }, row("2")], false, 1],
    ["words over numbers", [row("Part | Max", true), row("P | 7")], false, 1],
    ["numbers over numbers", [row("1 | 2", true), row("3 | 4")], false, 0],
    ["words alone", [row("a", true), row("b")], false, 0],
    ["a table nobody knows the beginning of", [row("a"), row("b")], false, 1],
    ["one that began before", [row("a"), row("b")], true, 0],
  ])("%s", (_, rows, goesOn, heads) => {
    expect(headRows(rows, goesOn)).toBe(heads);
  });
});
