import { isValidElement, memo, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { useWords } from "@/lib/words";
import { markdownBlocks } from "./blocks";
import { CodeBlock } from "./code-block";
import { remarkKeys, safeAddress, wrapMarkers } from "./keys";
import { SourceKey } from "./source-key";
import { chatWords } from "./words";
import "./prose.css";

interface MarkdownProps {
  text: string;
  /** The numbers the server gave a citation for; other brackets stay text. */
  known: ReadonlySet<number>;
  /** More is to come: a caret stands behind the last word. */
  writing?: boolean;
}

/**
 * An answer as its author meant it and no more than that: raw HTML is shown as text, links lead only to the
 * web and to mail, and no picture is loaded. While an answer is written only its last block is parsed again.
 */
export function Markdown({ text, known, writing }: MarkdownProps) {
  const blocks = markdownBlocks(wrapMarkers(text, known));
  return (
    <div dir="auto" className={writing ? "prose writing" : "prose"}>
      {blocks.map((block, i) => (
        <Block key={i} text={block} />
      ))}
    </div>
  );
}

const Block = memo(function Block({ text }: { text: string }) {
  return (
    <ReactMarkdown remarkPlugins={plugins} components={components} urlTransform={safeAddress}>
      {text}
    </ReactMarkdown>
  );
});

const plugins = [remarkGfm, remarkKeys];

const components: Components = {
  // The page's own headings stand above those of an answer.
  h1: ({ children }) => <h3 className="h1">{children}</h3>,
  h2: ({ children }) => <h4 className="h2">{children}</h4>,
  h3: ({ children }) => <h5 className="h3">{children}</h5>,
  h4: ({ children }) => <h6 className="h3">{children}</h6>,
  h5: ({ children }) => <h6 className="h3">{children}</h6>,
  h6: ({ children }) => <h6 className="h3">{children}</h6>,
  a: ({ href, children }) => <Away href={href}>{children}</Away>,
  img: ({ src, alt }) => <Picture src={typeof src === "string" ? src : ""} alt={alt ?? ""} />,
  cite: ({ title }) => <SourceKey number={Number(title)} />,
  pre: ({ children }) => <CodeBlock language={languageOf(children)} text={textOf(children)} />,
  table: ({ children }) => <TableBox>{children}</TableBox>,
  // A figure and its unit stay on one line; a sentence in a cell may wrap.
  td: ({ children, style }) => <td style={style} className={short(children) ? "whole" : undefined}>{children}</td>,
  input: ({ checked }) => <input type="checkbox" checked={checked ?? false} readOnly disabled />,
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

function codeProps(children: ReactNode): { className?: unknown; children?: unknown } {
  return isValidElement<{ className?: unknown; children?: unknown }>(children) ? children.props : {};
}

function languageOf(children: ReactNode): string {
  const { className } = codeProps(children);
  return typeof className === "string" ? (/language-([\w+#.-]+)/.exec(className)?.[1] ?? "") : "";
}

function textOf(children: ReactNode): string {
  const { children: code } = codeProps(children);
  return typeof code === "string" ? code.replace(/\n$/, "") : "";
}

function short(children: ReactNode): boolean {
  return children === undefined || (typeof children === "string" && children.length <= 24);
}
