import { memo, type ReactNode } from "react";
import { parseMarkdown } from "@/components/markdown/parse";
import { type MarkdownParts, MarkdownTree } from "@/components/markdown/tree";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { markdownBlocks } from "./blocks";
import { CodeBlock } from "./code-block";
import { keyNumber, putKeys, safeAddress, wrapMarkers } from "./keys";
import { SourceKey } from "./source-key";
import { chatWords } from "./words";
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
        <Block key={i} text={block} />
      ))}
      {writing && blocks.length === 0 && <p />}
    </div>
  );
}

const Block = memo(function Block({ text }: { text: string }) {
  const tree = parseMarkdown(text);
  putKeys(tree);
  return <MarkdownTree tree={tree} parts={parts} />;
});

const parts: MarkdownParts = {
  // The page's own headings stand above those of an answer.
  heading: (depth, children) => {
    if (depth === 1) return <h3 className="h1">{children}</h3>;
    if (depth === 2) return <h4 className="h2">{children}</h4>;
    return depth === 3 ? <h5 className="h3">{children}</h5> : <h6 className="h3">{children}</h6>;
  },
  link: (address, children) => <Away href={safeAddress(address)}>{children}</Away>,
  picture: (address, name) => <Picture src={address} alt={name} />,
  code: (language, text) => <CodeBlock language={/^[\w+#.-]+/.exec(language)?.[0] ?? ""} text={text} />,
  table: (children) => <TableBox>{children}</TableBox>,
  // A figure and its unit stay on one line; a sentence in a cell may wrap.
  cell: (children, text, align) => <td style={{ textAlign: align }} className={text.length <= 24 ? "whole" : undefined}>{children}</td>,
  other: (node) => {
    const number = keyNumber(node);
    return number === undefined ? null : <SourceKey number={number} />;
  },
};

function Away({ href, children }: { href: string | undefined; children: ReactNode }) {
  if (!href) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function Picture({ src, alt }: { src: string; alt: string }) {
  const words = useWords(chatWords);
  return <Away href={safeAddress(src)}>{alt ? words.picture(alt) : words.pictureNoName}</Away>;
}

function TableBox({ children }: { children: ReactNode }) {
  const words = useWords(chatWords);
  return (
    // It scrolls, so the keyboard must be able to reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div role="region" aria-label={words.table} tabIndex={0} className="data">
      <table>{children}</table>
    </div>
  );
}
