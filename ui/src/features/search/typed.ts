/** What was typed into the search, taken apart as the server does it. */
export interface Typed {
  /** The words alone, for what knows no prefixes. */
  words: string;
  terms: readonly string[];
  /** Whether chats are narrowed: then only chats are looked for. */
  narrowed: boolean;
}

const prefix = /^(tag|folder|pinned|archived):/i;

export function readTyped(q: string): Typed {
  const parts = q.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  const rest = parts.filter((part) => !prefix.test(part));
  return {
    words: rest.join(" "),
    terms: rest.flatMap((part) => part.split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 1),
    narrowed: rest.length < parts.length,
  };
}
