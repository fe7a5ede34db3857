import type { Table } from "mdast";
import { memo, useState } from "react";
import { parseFull } from "@/components/markdown/parse-full";
import { type MarkdownParts, plain, TableHead, TableRows } from "@/components/markdown/tree";
import { Button } from "@/components/ui/button";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { TableBox } from "./table-box";
import { richWords } from "./words";

/** How many rows are parsed and drawn as one: finished pieces are never touched again. */
const piece = 40;
const atFirst = 120;
const more = 400;

const delimiter = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** The lines of a block that is nothing but a table, and a long one; undefined for every other block. */
export function longTable(text: string): string[] | undefined {
  if (text.length < 2_000) return undefined;
  const lines = text.split("\n");
  if (lines.length <= piece || !lines[0]?.includes("|") || !delimiter.test(lines[1] ?? "")) return undefined;
  return lines;
}

interface LongTableProps {
  lines: string[];
  parts: MarkdownParts;
  prepare: (table: Table) => void;
}

/** A long table: it is parsed in pieces, and of thousands of rows the first are shown until more are asked for. */
export function LongTable({ lines, parts, prepare }: LongTableProps) {
  const words = useWords(richWords);
  const format = useFormat();
  const [most, setMost] = useState(atFirst);
  const head = lines.slice(0, 2).join("\n");
  const rows = lines.slice(2);
  const shown = rows.slice(0, most);
  const pieces = Array.from({ length: Math.ceil(shown.length / piece) }, (_, i) => shown.slice(i * piece, (i + 1) * piece).join("\n"));
  const next = Math.min(more, rows.length - most);
  return (
    <TableBox
      rows={() => allCells(head, rows)}
      foot={
        next > 0 && (
          <div className="tablefoot num">
            <span>{words.rows(format.number(most), format.number(rows.length))}</span>
            <Button small onClick={() => setMost(most + more)}>{words.moreRows(format.number(next))}</Button>
          </div>
        )
      }
    >
      <Head head={head} parts={parts} prepare={prepare} />
      {pieces.map((text, i) => (
        <Piece key={i} head={head} text={text} parts={parts} prepare={prepare} />
      ))}
    </TableBox>
  );
}

function tableOf(text: string): Table | undefined {
  return parseFull(text).children.find((node) => node.type === "table");
}

function allCells(head: string, rows: readonly string[]): string[][] {
  const cells = (table: Table | undefined, from: number) => table?.children.slice(from).map((row) => row.children.map((cell) => plain(cell))) ?? [];
  const all = cells(tableOf(head), 0);
  for (let i = 0; i < rows.length; i += piece) all.push(...cells(tableOf([head, ...rows.slice(i, i + piece)].join("\n")), 1));
  return all;
}

interface PieceProps {
  head: string;
  text: string;
  parts: MarkdownParts;
  prepare: (table: Table) => void;
}

const Piece = memo(function Piece({ head, text, parts, prepare }: PieceProps) {
  const table = tableOf(`${head}\n${text}`);
  if (!table) return null;
  prepare(table);
  return <TableRows table={table} parts={parts} />;
});

const Head = memo(function Head({ head, parts, prepare }: Omit<PieceProps, "text">) {
  const table = tableOf(head);
  if (!table) return null;
  prepare(table);
  return <TableHead table={table} parts={parts} />;
});
