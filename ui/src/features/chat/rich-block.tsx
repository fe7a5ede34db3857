import type { Table } from "mdast";
import { lazy, memo, Suspense, useMemo } from "react";
import { parseFull } from "@/components/markdown/parse-full";
import { type MarkdownParts, MarkdownTree } from "@/components/markdown/tree";
import { CodeBlock } from "@/components/rich/code-block";
import { LongTable, longTable } from "@/components/rich/long-table";
import { type Formula, formulaNumber, putFormulas, takeFormulas } from "@/components/rich/math";
import { Picture } from "@/components/rich/picture";
import { TableBox } from "@/components/rich/table-box";
import "@/components/rich/rich.css";
import { wholeFence } from "./fence";
import { putKeys, safeAddress, unwrapMarkers } from "./keys";
import { Away, plainParts } from "./parts";

const SetFormula = lazy(() => import("@/components/rich/formula"));
const Diagram = lazy(() => import("@/components/rich/diagram"));

/** A block of an answer that holds more than words. */
const RichBlock = memo(function RichBlock({ text, open }: { text: string; open: boolean }) {
  const fence = wholeFence(text);
  if (fence) {
    return fenced(fence.language, unwrapMarkers(fence.text), open && !fence.closed);
  }
  const lines = longTable(text);
  if (lines) return <LongTable lines={lines} parts={parts} prepare={prepareTable} />;
  return <Mixed text={text} open={open} />;
});
export default RichBlock;

/** Text with formulas, pictures, short tables, code in a list. */
function Mixed({ text, open }: { text: string; open: boolean }) {
  const { tree, own } = useMemo(() => {
    const { text: prepared, formulas } = takeFormulas(text, open);
    const parsed = parseFull(prepared);
    putKeys(parsed);
    const plain = formulas.map((formula) => ({ ...formula, tex: unwrapMarkers(formula.tex) }));
    putFormulas(parsed, plain);
    return { tree: parsed, own: withFormulas(plain) };
  }, [text, open]);
  return <MarkdownTree tree={tree} parts={own} />;
}

const parts: MarkdownParts = {
  ...plainParts,
  picture: (address, name) => <Picture src={address} alt={name} away={(children) => <Away href={safeAddress(address)}>{children}</Away>} />,
  code: (language, text) => fenced(/^[\w+#.-]+/.exec(language)?.[0] ?? "", text, false),
  table: (children) => <TableBox>{children}</TableBox>,
};

function fenced(language: string, text: string, open: boolean) {
  const code = <CodeBlock language={language} text={text} open={open} />;
  if (open || language.toLowerCase() !== "mermaid") return code;
  return (
    <Suspense fallback={code}>
      <Diagram source={text} />
    </Suspense>
  );
}

function withFormulas(formulas: readonly Formula[]): MarkdownParts {
  if (formulas.length === 0) return parts;
  return {
    ...parts,
    other: (node) => {
      const formula = formulas[formulaNumber(node) ?? -1];
      if (!formula) return plainParts.other(node);
      const source = <code className={formula.open ? "formula-open" : undefined}>{formula.tex}</code>;
      if (formula.open) return source;
      return (
        <Suspense fallback={source}>
          <SetFormula tex={formula.tex} display={formula.display} />
        </Suspense>
      );
    },
  };
}

function prepareTable(table: Table): void {
  putKeys(table);
}
