import type { Block } from "@/api/content";

/** Blocks that are set together: items of a list, rows of a table, everything else alone. */
export type Setting =
  | { kind: "list"; blocks: Block[] }
  | { kind: "table"; blocks: Block[] }
  | { kind: "page"; page: number }
  | { kind: "sheet"; sheet: string; start: number; /** The heading after it says the name. */ headed: boolean }
  | { kind: "heading" | "paragraph" | "code" | "quote"; block: Block };

/** Arranges blocks for setting; `before` is the block the text before them ended with. */
export function arrange(blocks: readonly Block[], before?: Pick<Block, "page" | "sheet">): Setting[] {
  const out: Setting[] = [];
  let current = before?.page ?? 0;
  let sheet = before?.sheet ?? "";
  for (const block of blocks) {
    if (block.page > 0 && block.page !== current) {
      current = block.page;
      out.push({ kind: "page", page: current });
    }
    if (block.sheet && block.sheet !== sheet) {
      sheet = block.sheet;
      out.push({ kind: "sheet", sheet, start: block.start, headed: block.kind === "heading" && block.text === sheet });
    }
    const last = out.at(-1);
    if (block.kind === "item") {
      if (last?.kind === "list") last.blocks.push(block);
      else out.push({ kind: "list", blocks: [block] });
    } else if (block.kind === "row") {
      if (last?.kind === "table") last.blocks.push(block);
      else out.push({ kind: "table", blocks: [block] });
    } else {
      out.push({ kind: block.kind, block });
    }
  }
  return out;
}

export interface Cell {
  text: string;
  /** Where the cell begins in the document, in code points. */
  start: number;
}

/** The cells of a row. Cells are parted by a tab or by " | "; the offsets stay those of the document. */
export function cellsOf(block: Block): Cell[] {
  const cells: Cell[] = [];
  let start = block.start;
  const parts = block.text.split(/(\t| \| )/);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) cells.push({ text: part, start });
    start += Array.from(part).length;
  }
  return cells;
}
