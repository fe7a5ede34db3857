/**
 * Finds the formulas of a Markdown text: `$a$`, `$$a$$`, `\(a\)` and `\[a\]`. Each makes room for a mark of
 * two private characters and its number, so that Markdown does not read what stands inside; putFormulas
 * takes the marks out of the parsed tree again.
 *
 * A dollar sign is money far more often than mathematics. As pandoc reads it: the first one has no blank
 * behind it, the last one no blank before it and no digit behind it, and both stand on one line.
 */
export interface Formula {
  tex: string;
  display: boolean;
  /** Its end has not come yet. */
  open: boolean;
}

const start = "\ue002";
const end = "\ue003";
const strange = new RegExp(`[${start}${end}]`, "g");
const mark = new RegExp(`${start}(\\d+)${end}`, "g");

// In this order: code keeps its dollars, an escaped sign is a sign.
const part = /(`+)(?!`)[\s\S]*?[^`]\1(?!`)|\\\((?<inline>[\s\S]+?)\\\)|\\\[(?<block>[\s\S]+?)\\\]|\\[\s\S]|\$\$(?<display>[\s\S]+?)\$\$|\$(?![\s$])(?<dollar>[^$\n]*?[^\s$\\])\$(?![\d$])/g;
const unclosed = /(?:\$\$|\\\[)(?<rest>(?:(?!\$\$|\\\]|`)[\s\S])*)$/;
const mostTeX = 4_000;

/** Takes the formulas out. `writing` says that more text may follow, which an open formula waits for. */
export function takeFormulas(text: string, writing: boolean): { text: string; formulas: Formula[] } {
  const formulas: Formula[] = [];
  const put = (tex: string, display: boolean, open = false) => {
    formulas.push({ tex: tex.trim(), display, open });
    return `${start}${formulas.length - 1}${end}`;
  };
  let prepared = outsideFences(text.replace(strange, ""), (run) =>
    run.replace(part, (whole: string, ...rest: unknown[]) => {
      const groups = rest.at(-1) as Record<string, string | undefined>;
      const inline = groups["inline"] ?? groups["dollar"];
      const display = groups["block"] ?? groups["display"];
      const tex = inline ?? display;
      if (tex === undefined || tex.trim() === "" || tex.length > mostTeX) return whole;
      return put(tex, display !== undefined);
    }),
  );
  if (writing) prepared = prepared.replace(unclosed, (_whole: string, rest: string) => put(rest, true, true));
  return { text: prepared, formulas };
}

/** Changes what stands outside of fenced code. */
function outsideFences(text: string, change: (run: string) => string): string {
  if (!/^\s*(?:```|~~~)/m.test(text)) return change(text);
  const out: string[] = [];
  let run: string[] = [];
  let fence = "";
  const flush = () => {
    if (run.length > 0) out.push(change(run.join("\n")));
    run = [];
  };
  for (const line of text.split("\n")) {
    const found = /^[\s>]*(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence) {
      out.push(line);
      if (found.startsWith(fence)) fence = "";
    } else if (found) {
      flush();
      fence = found;
      out.push(line);
    } else run.push(line);
  }
  flush();
  return out.join("\n");
}

interface Node {
  type: string;
  value?: string;
  url?: string;
  alt?: string | null;
  children?: Node[];
  data?: { number?: number };
}

/** Puts a node of its own into the tree for every mark; where no formula can stand, its source. */
export function putFormulas(tree: Node, formulas: readonly Formula[]): void {
  if (formulas.length === 0) return;
  const source = (text: string) => text.replace(mark, (_whole, n: string) => sourceOf(formulas[Number(n)]));
  const walk = (node: Node) => {
    if (typeof node.url === "string") node.url = source(node.url);
    if (typeof node.alt === "string") node.alt = source(node.alt);
    if (typeof node.value === "string" && node.type !== "text") node.value = source(node.value);
    node.children = node.children?.flatMap((child) => {
      if (child.type === "text") return split(child.value ?? "");
      walk(child);
      return [child];
    });
    if (node.children === undefined) delete node.children;
  };
  walk(tree);
}

function split(value: string): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const found of value.matchAll(mark)) {
    if (found.index > from) nodes.push({ type: "text", value: value.slice(from, found.index) });
    nodes.push({ type: "formula", children: [], data: { number: Number(found[1]) } });
    from = found.index + found[0].length;
  }
  if (from < value.length || nodes.length === 0) nodes.push({ type: "text", value: value.slice(from) });
  return nodes;
}

function sourceOf(formula: Formula | undefined): string {
  if (!formula) return "";
  return formula.display ? `$$${formula.tex}$$` : `$${formula.tex}$`;
}

/** The number of a formula that putFormulas has put into the tree; undefined for every other node. */
export function formulaNumber(node: { type: string; data?: unknown }): number | undefined {
  if (node.type !== "formula" || typeof node.data !== "object" || node.data === null || !("number" in node.data)) return undefined;
  return typeof node.data.number === "number" ? node.data.number : undefined;
}
