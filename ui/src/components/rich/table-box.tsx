import { Check, Copy } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { useWords } from "@/lib/words";
import { csvOf, rowsOf } from "./csv";
import { useCopy } from "@/components/ui/use-copy";
import { richWords } from "./words";

interface TableBoxProps {
  children: ReactNode;
  /** All rows, where not all of them are drawn. */
  rows?: () => string[][];
  foot?: ReactNode;
}

/** A table that scrolls inside and can be copied for a spreadsheet. */
export function TableBox({ children, rows, foot }: TableBoxProps) {
  const words = useWords(richWords);
  const { copied, copy } = useCopy(words);
  const table = useRef<HTMLTableElement>(null);
  const take = () => {
    if (table.current) copy(csvOf(rows ? rows() : rowsOf(table.current)));
  };
  return (
    <div className="tablebox">
      <IconButton small icon={copied ? Check : Copy} label={copied ? words.copied : words.copyTable} onClick={take} className="tablecopy" />
      {/* It scrolls, so the keyboard must be able to reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div role="region" aria-label={words.table} tabIndex={0} className="data">
        <table ref={table}>{children}</table>
      </div>
      {foot}
    </div>
  );
}
