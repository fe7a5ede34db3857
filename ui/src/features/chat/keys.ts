/**
 * Turns the markers `[n]` of an answer into keys. A marker counts only when the server gave a citation of
 * that number and the bracket is not escaped, so that "[3]" in a document's own words stays text.
 *
 * Markdown itself gives brackets a meaning, so the markers are wrapped in two characters of the private
 * use area before the text is parsed, and unwrapped in the tree.
 */
const open = "\ue000";
const close = "\ue001";
const strange = new RegExp(`[${open}${close}]`, "g");
const marker = /(\\*)\[(\d{1,3})\]/g;
const wrapped = new RegExp(`\\s?${open}(\\d{1,3})${close}`, "g");
const anyWrapped = new RegExp(`${open}(\\d{1,3})${close}`, "g");

export function wrapMarkers(text: string, known: ReadonlySet<number>): string {
  return text.replace(strange, "").replace(marker, (whole: string, slashes: string, digits: string) =>
    slashes.length % 2 === 0 && known.has(Number(digits)) ? `${slashes}${open}${digits}${close}` : whole,
  );
}

/** Puts the markers back where they are no keys: in code, in addresses, in what is copied. */
export function unwrapMarkers(text: string): string {
  return text.replace(anyWrapped, "[$1]");
}

/** The parts of a tree this module touches; the rest is none of its business. */
interface Node {
  type: string;
  value?: string;
  url?: string;
  title?: string | null;
  alt?: string | null;
  children?: Node[];
  data?: { number?: number };
}

/** Puts a node of its own into the tree for every key; no Markdown can write one. */
export function putKeys(tree: Node): void {
  walk(tree, false);
}

/** The number of a key that putKeys has put into the tree; undefined for every other node. */
export function keyNumber(node: { type: string; data?: unknown }): number | undefined {
  if (node.type !== "key" || typeof node.data !== "object" || node.data === null || !("number" in node.data)) return undefined;
  return typeof node.data.number === "number" ? node.data.number : undefined;
}

function walk(node: Node, inLink: boolean): void {
  if (typeof node.url === "string") node.url = unwrapMarkers(node.url);
  if (typeof node.title === "string") node.title = unwrapMarkers(node.title);
  if (typeof node.alt === "string") node.alt = unwrapMarkers(node.alt);
  if (typeof node.value === "string" && (node.type !== "text" || inLink)) node.value = unwrapMarkers(node.value);
  if (!node.children) return;
  // A key is a link, and a link inside a link cannot be reached.
  const within = inLink || node.type === "link" || node.type === "linkReference";
  node.children = node.children.flatMap((child) => {
    if (child.type === "text" && !within) return splitText(child.value ?? "");
    walk(child, within);
    return [child];
  });
}

function splitText(value: string): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const found of value.matchAll(wrapped)) {
    if (found.index > from) nodes.push({ type: "text", value: value.slice(from, found.index) });
    nodes.push({ type: "key", children: [], data: { number: Number(found[1]) } });
    from = found.index + found[0].length;
  }
  if (from < value.length || nodes.length === 0) nodes.push({ type: "text", value: value.slice(from) });
  return nodes;
}

/** Only addresses that cannot run anything; everything else becomes plain text. */
export function safeAddress(address: string): string {
  return /^(?:https?:\/\/|mailto:)[^\s]/i.test(address.trim()) ? address.trim() : "";
}

/** The answer as plain text for the clipboard, with or without its markers. */
export function plainAnswer(text: string, keepMarkers: boolean): string {
  const plain = keepMarkers ? text : text.replace(/ ?(\\*)\[(\d{1,3})\]/g, (whole: string, slashes: string) => (slashes.length % 2 === 0 ? "" : whole));
  return plain.replace(/\\([\\`*_{}[\]()#+\-.!|<>~"'$%&,/:;=?@^])/g, "$1").trim();
}
