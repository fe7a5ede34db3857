export interface Fence {
  language: string;
  text: string;
  closed: boolean;
}

/**
 * A block that is one fence and nothing else, read without a parser: code that is being written is the longest
 * block there is, and it comes word by word.
 */
export function wholeFence(block: string): Fence | undefined {
  const opening = /^(`{3,}|~{3,})[ \t]*([^\n]*)(?:\n|$)/.exec(block);
  const marks = opening?.[1];
  const info = opening?.[2] ?? "";
  if (!opening || !marks || (marks.startsWith("`") && info.includes("`"))) return undefined;
  const body = block.slice(opening[0].length);
  const language = /^[\w+#.-]+/.exec(info.trim())?.[0] ?? "";
  const closing = new RegExp(`(?:^|\\n) {0,3}${marks.charAt(0)}{${marks.length},}[ \\t]*(?=\\n|$)`).exec(body);
  // While it is written a closing fence comes mark by mark: the first two are no code.
  if (!closing) return { language, text: body.replace(new RegExp(`\\n ?${marks.charAt(0)}{1,${marks.length}}$`), ""), closed: false };
  if (body.slice(closing.index + closing[0].length).trim() !== "") return undefined;
  return { language, text: body.slice(0, closing.index), closed: true };
}
