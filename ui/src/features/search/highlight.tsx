/** Cuts a text to about the length, around the first of the words. */
export function snippet(text: string, words: readonly string[], length = 90): string {
  const plain = text.replace(/\s+/g, " ").trim();
  if (plain.length <= length) return plain;
  const lower = plain.toLowerCase();
  const found = words.map((w) => lower.indexOf(w.toLowerCase())).filter((at) => at >= 0);
  const at = found.length ? Math.min(...found) : 0;
  if (at < length / 2) return `${plain.slice(0, length).replace(/\s\S*$/, "")}…`;
  const from = plain.indexOf(" ", Math.max(0, at - length / 3)) + 1;
  return `…${plain.slice(from, from + length).replace(/\s\S*$/, "")}…`;
}

const escape = (word: string) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Marks the words of a search in a text. */
export function Highlight({ text, words }: { text: string; words: readonly string[] }) {
  if (words.length === 0) return text;
  const parts = text.split(new RegExp(`(${words.map(escape).join("|")})`, "giu"));
  // Every second part is what the pattern held.
  return parts.map((part, i) => (i % 2 === 1 ? <mark key={i}>{part}</mark> : part));
}
