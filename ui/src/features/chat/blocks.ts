/**
 * Cuts a Markdown text into its top-level blocks, so that while an answer is written only the last block
 * is parsed again. Adding text may change the last block or add blocks behind it, never an earlier one.
 *
 * A blank line parts two blocks unless a fence is open or the next line still belongs to a list. Cutting
 * too seldom only costs time; cutting too often would tear a list apart, so in doubt it does not cut.
 */
export function markdownBlocks(text: string): string[] {
  const blocks: string[] = [];
  let lines: string[] = [];
  let fence: Fence | undefined;
  let list = false;
  let blank = false;

  const close = () => {
    while (lines.length > 0 && lines[lines.length - 1]?.trim() === "") lines.pop();
    if (lines.length > 0) blocks.push(lines.join("\n"));
    lines = [];
    list = false;
  };

  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    if (fence) {
      lines.push(line);
      if (closes(line, fence)) fence = undefined;
      continue;
    }
    if (line.trim() === "") {
      blank = true;
      if (lines.length > 0) lines.push(line);
      continue;
    }
    if (blank && !(list && continuesList(line))) close();
    if (lines.length === 0) list = listItem.test(line);
    blank = false;
    fence = opens(line);
    lines.push(line);
  }
  close();
  return blocks;
}

const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;

/** Half a marker ("1" of "1. ") may still become an item, so a list is not left for it. */
function continuesList(line: string): boolean {
  return /^(?: {2,}|\t)/.test(line) || listItem.test(line) || /^ {0,3}\d{1,9}$/.test(line);
}

interface Fence {
  mark: string;
  length: number;
}

function opens(line: string): Fence | undefined {
  const found = /^(?:\s|>|[-*+]\s|\d{1,9}[.)]\s)*(`{3,}|~{3,})(.*)$/.exec(line);
  const run = found?.[1];
  if (!run) return undefined;
  const mark = run.charAt(0);
  if (mark === "`" && found[2]?.includes("`")) return undefined;
  return { mark, length: run.length };
}

function closes(line: string, fence: Fence): boolean {
  const run = line.replace(/^[\s>]*/, "").trimEnd();
  return run.length >= fence.length && run.split("").every((c) => c === fence.mark);
}
