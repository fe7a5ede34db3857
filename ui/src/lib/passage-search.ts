/** The passage a document is opened at: code points of its text, and the number it has in an answer. */
export interface PassageSearch {
  from?: number;
  to?: number;
  n?: number;
}

function offset(value: unknown): number | undefined {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** Reads a passage from an address; what is no passage is left out rather than refused. */
export function passageSearch(search: Record<string, unknown>): PassageSearch {
  const from = offset(search["from"]);
  const to = offset(search["to"]);
  const n = offset(search["n"]);
  if (from === undefined) return {};
  return { from, ...(to !== undefined && to > from ? { to } : {}), ...(n ? { n } : {}) };
}
