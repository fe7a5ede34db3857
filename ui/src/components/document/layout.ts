import type { Block } from "@/api/content";

/** Blocks that are set together: items of a list, rows of a table or a sheet, everything else alone. */
export type Setting =
  | { kind: "list"; blocks: Block[] }
  | { kind: "table"; blocks: Block[]; /** It began before: its first row here is no head. */ goesOn: boolean }
  | { kind: "grid"; blocks: Block[] }
  | { kind: "page"; page: number; start: number }
  | { kind: "sheet"; sheet: string; start: number; /** The heading after it says the name. */ headed: boolean }
  | { kind: "heading" | "paragraph" | "code" | "quote" | "header" | "attachment" | "notes" | "comment" | "footnote"; block: Block };

const sameFile = (a: Partial<Block> | undefined, b: Block) => (a?.file ?? "") === (b.file ?? "");

/** Arranges blocks for setting; `before` is the block the text before them ended with. */
export function arrange(blocks: readonly Block[], before?: Partial<Pick<Block, "page" | "sheet" | "file" | "kind">>): Setting[] {
  const out: Setting[] = [];
  let current = before?.page ?? 0;
  let sheet = before?.sheet ?? "";
  let file: Partial<Block> | undefined = before;
  for (const [i, block] of blocks.entries()) {
    if (!sameFile(file, block)) {
      // Pages and sheets are those of the file, and each begins anew.
      current = 0;
      sheet = "";
    }
    file = block;
    if (block.page > 0 && block.page !== current) {
      current = block.page;
      out.push({ kind: "page", page: current, start: block.start });
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
      const kind = block.cells ? "grid" : "table";
      if (last?.kind === kind && !block.first) last.blocks.push(block);
      else if (kind === "grid") out.push({ kind, blocks: [block] });
      else out.push({ kind, blocks: [block], goesOn: i === 0 && before?.kind === "row" && !block.first });
    } else {
      out.push({ kind: settingOf(block), block });
    }
  }
  return out;
}

function settingOf({ kind, role }: Block): "heading" | "paragraph" | "code" | "quote" | "header" | "attachment" | "notes" | "comment" | "footnote" {
  switch (role) {
    case "header":
    case "attachment":
    case "notes":
    case "comment":
    case "footnote":
      return role;
    default:
      return kind === "item" || kind === "row" ? "paragraph" : kind;
  }
}

export interface Cell {
  text: string;
  /** Where the cell begins in the document, in code points. */
  start: number;
  /** From 1. */
  column: number;
}

/**
 * The cells of a row that hold something, with their columns. Where the server does not know them, they are
 * parted by a tab or by " | "; the offsets stay those of the document.
 */
export function cellsOf(block: Block): Cell[] {
  if (block.grid && block.grid.length > 0) {
    const points = Array.from(block.text);
    return block.grid.map(({ column, from, to }) => ({ text: points.slice(from, to).join(""), start: block.start + from, column }));
  }
  const cells: Cell[] = [];
  let start = block.start;
  const parts = block.text.split(/(\t| \| )/);
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) cells.push({ text: part, start, column: i / 2 + 1 });
    start += Array.from(part).length;
  }
  return cells;
}

/** How many columns a table has that begins with these rows. */
export function widthOf(rows: readonly Cell[][]): number {
  return Math.max(0, ...rows.map((cells) => cells.at(-1)?.column ?? 0));
}

/**
 * Which rows of a table are its head. A document that does not say has one when no cell of the first row holds
 * a number and cells below it do, or when it was never known where tables begin.
 */
export function headRows(blocks: readonly Block[], goesOn: boolean): number {
  const marked = blocks.findIndex((block) => block.role !== "head");
  const heads = marked < 0 ? blocks.length : marked;
  if (heads > 0) return heads;
  const [first, ...rest] = blocks;
  if (goesOn || !first || rest.length === 0) return 0;
  if (!first.first) return 1;
  const number = /\d/;
  return !number.test(first.text) && rest.some((block) => number.test(block.text)) ? 1 : 0;
}

/** The lines of a mail's header: "From: a@b.test" is a name and what it says. */
export function headerLines(block: Block): { name: string; value: string; start: number }[] {
  const lines = [];
  let start = block.start;
  for (const line of block.text.split("\n")) {
    const [, name = "", between = "", value = line] = /^([\p{L}-]+):(\s*)(.*)$/u.exec(line) ?? [];
    lines.push({ name, value, start: start + (name ? Array.from(name).length + 1 + between.length : 0) });
    start += Array.from(line).length + 1;
  }
  return lines;
}

/** "A3:F3" as the number of its row; 0 where it is none. */
export function rowNumber(cells: string | undefined): number {
  return Number(/\d+/.exec(cells ?? "")?.[0] ?? 0);
}

/** The name of a column: 28 is AB. */
export function columnName(number: number): string {
  let name = "";
  for (let n = number; n > 0; n = Math.floor((n - 1) / 26)) name = String.fromCharCode(65 + ((n - 1) % 26)) + name;
  return name;
}
