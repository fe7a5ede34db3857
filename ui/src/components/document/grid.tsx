import type { ReactNode } from "react";
import type { Block } from "@/api/content";
import { useWords } from "@/lib/words";
import type { Passage } from "./blocks";
import { type Cell, cellsOf, columnName, rowNumber, widthOf } from "./layout";
import { documentWords } from "./words";

interface GridProps {
  blocks: readonly Block[];
  passage: Passage | undefined;
  /** The text of a cell; `first` is the first cell of its row. */
  render: (cell: Cell & { end: number }, first: boolean) => ReactNode;
}

/** Rows of a sheet with the names of columns and rows; what is cited of them is filled and framed. */
export function Grid({ blocks, passage, render }: GridProps) {
  const words = useWords(documentWords);
  const rows = blocks.map(cellsOf);
  const width = widthOf(rows);
  const names = Array.from({ length: width }, (_, i) => columnName(i + 1));
  return (
    // It scrolls sideways, so the keyboard must be able to reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={words.sheetRows} tabIndex={0} className="rows">
      <table className="grid-of-cells">
        <thead>
          <tr>
            <th aria-label={words.rowName} />
            {names.map((name) => <th key={name} scope="col">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {blocks.map((block, i) => {
            const cells = rows[i] ?? [];
            const cited = passage !== undefined && passage.from < block.end && passage.to > block.start;
            return (
              <tr key={block.start} className={block.role === "head" ? "names" : undefined}>
                <th scope="row">{rowNumber(block.cells) || ""}</th>
                {names.map((name, column) => {
                  const cell = cells.find((c) => c.column === column + 1);
                  const end = cell ? cell.start + Array.from(cell.text).length : 0;
                  const here = cited && cell !== undefined && passage.from < end && passage.to > cell.start;
                  return (
                    <td key={name} dir="auto" data-cell={name + String(rowNumber(block.cells))} className={here ? "cited" : undefined}>
                      {cell && render({ ...cell, end }, cell === cells[0])}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
