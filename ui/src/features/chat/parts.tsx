import type { ReactNode } from "react";
import type { MarkdownParts } from "@/components/markdown/tree";
import { keyNumber, safeAddress } from "./keys";
import { SourceKey } from "./source-key";

/** How the parts of an answer are drawn that need nothing but elements. */
export const plainParts: MarkdownParts = {
  // The page's own headings stand above those of an answer.
  heading: (depth, children) => {
    if (depth === 1) return <h3 className="h1">{children}</h3>;
    if (depth === 2) return <h4 className="h2">{children}</h4>;
    return depth === 3 ? <h5 className="h3">{children}</h5> : <h6 className="h3">{children}</h6>;
  },
  link: (address, children) => <Away href={safeAddress(address)}>{children}</Away>,
  picture: (_address, name) => name,
  code: (_language, text) => (
    <pre className="overflow-x-auto">
      <code>{text}</code>
    </pre>
  ),
  table: (children) => <table>{children}</table>,
  // A figure and its unit stay on one line; a sentence in a cell may wrap.
  cell: (children, text, align) => <td style={{ textAlign: align }} className={text.length <= 24 ? "whole" : undefined}>{children}</td>,
  other: (node) => {
    const number = keyNumber(node);
    return number === undefined ? null : <SourceKey number={number} />;
  },
};

/** A link out of the page, which tells the other side nothing. */
export function Away({ href, children }: { href: string | undefined; children: ReactNode }) {
  if (!href) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
