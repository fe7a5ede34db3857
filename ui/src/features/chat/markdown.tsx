import { lazy, memo, Suspense } from "react";
import { needsFull, parseMarkdown } from "@/components/markdown/parse";
import { MarkdownTree } from "@/components/markdown/tree";
import { cx } from "@/lib/cx";
import { markdownBlocks } from "./blocks";
import { putKeys, wrapMarkers } from "./keys";
import { plainParts } from "./parts";
import { useCalm } from "./use-calm";
import "./prose.css";

interface MarkdownProps {
  text: string;
  /** The numbers the server gave a citation for; other brackets stay text. */
  known: ReadonlySet<number>;
  /** More is to come: a caret stands behind the last word. */
  writing?: boolean;
  /** Verbatim sentences of documents: each has the bar that marks a document's words. */
  quotes?: boolean;
  /** What a model said to itself: smaller and quieter. */
  thought?: boolean;
}

/**
 * An answer as its author meant it and no more than that: raw HTML is shown as text, links lead only to the
 * web and to mail, and no picture is loaded. While an answer is written only its last block is parsed again.
 */
export function Markdown({ text, known, writing, quotes, thought }: MarkdownProps) {
  const blocks = markdownBlocks(wrapMarkers(text, known));
  return (
    <div dir="auto" className={cx("prose", writing && "writing", quotes && "quotes", thought && "thought")}>
      {blocks.map((block, i) => (
        <Block key={i} text={block} open={writing === true && i === blocks.length - 1} />
      ))}
      {writing && blocks.length === 0 && <p />}
    </div>
  );
}

// Code, tables, formulas, pictures: what draws them comes with the first of them.
const RichBlock = lazy(() => import("./rich-block"));
const rich = /```|~~~|\$|\\[([]|!\[/;

interface BlockProps {
  text: string;
  /** More of it may come. */
  open: boolean;
}

const Block = memo(function Block(block: BlockProps) {
  const text = useCalm(block.text, block.open);
  if (!rich.test(text) && !needsFull.test(text)) return <Plain text={text} />;
  return (
    <Suspense fallback={<Plain text={text} />}>
      <RichBlock text={text} open={block.open} />
    </Suspense>
  );
});

function Plain({ text }: { text: string }) {
  const tree = parseMarkdown(text);
  putKeys(tree);
  return <MarkdownTree tree={tree} parts={plainParts} />;
}
