import type { Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";

/** What a text must hold to need more than plain Markdown: a table, a task, struck out words. */
export const needsFull = /\||~~|^\s*(?:[-*+]|\d+[.)])\s+\[[ xX]\]/m;

/** Reads plain Markdown. What goes beyond it is read by parseFull, which comes with the first text that needs it. */
export function parseMarkdown(text: string): Root {
  return fromMarkdown(text);
}
