import { markdownBlocks } from "./blocks";

/**
 * An extractive answer begins with the server's sentence that no model is connected. The page says that
 * itself, in the reader's language and set apart, so the documents' own words stand alone.
 */
export function withoutIntroduction(text: string): string {
  const [first = "", ...rest] = markdownBlocks(text);
  if (first === "" || /^\s*(?:[-*+]|\d+[.)])\s/.test(first) || /\[\d{1,3}\]\s*$/.test(first)) return text;
  return rest.join("\n\n");
}
