import type { LanguageFn } from "highlight.js";
import { createLowlight } from "lowlight";

type Load = () => Promise<{ default: LanguageFn }>;

// Each comes with its first code; a language that is not here stays plain.
const files: Record<string, Load> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  go: () => import("highlight.js/lib/languages/go"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  latex: () => import("highlight.js/lib/languages/latex"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  matlab: () => import("highlight.js/lib/languages/matlab"),
  nginx: () => import("highlight.js/lib/languages/nginx"),
  perl: () => import("highlight.js/lib/languages/perl"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  vbnet: () => import("highlight.js/lib/languages/vbnet"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const aliases: Record<string, string> = {
  sh: "bash", shell: "bash", zsh: "bash", console: "bash",
  h: "c", "c++": "cpp", cc: "cpp", hpp: "cpp", cs: "csharp", "c#": "csharp",
  patch: "diff", docker: "dockerfile", golang: "go", toml: "ini", conf: "ini",
  js: "javascript", jsx: "javascript", mjs: "javascript", jsonc: "json", json5: "json", kt: "kotlin", tex: "latex",
  make: "makefile", md: "markdown", pl: "perl", ps1: "powershell", pwsh: "powershell", py: "python", python3: "python",
  rb: "ruby", rs: "rust", postgres: "sql", postgresql: "sql", mysql: "sql", sqlite: "sql",
  ts: "typescript", tsx: "typescript", vb: "vbnet", html: "xml", svg: "xml", xhtml: "xml", yml: "yaml",
};

/** The piece of a coloured text: a run of words, with a role or with pieces inside. */
export type Piece = string | { role: string; pieces: Piece[] };

const painter = createLowlight();

/** The name under which a language is known here; undefined when it is not. */
export function languageOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  const known = aliases[lower] ?? lower;
  return Object.hasOwn(files, known) ? known : undefined;
}

/** Fetches what is known of a language; false when it cannot be had now. */
export async function prepare(language: string): Promise<boolean> {
  if (painter.registered(language)) return true;
  try {
    const file = await files[language]?.();
    if (file) painter.register(language, file.default);
    return file !== undefined;
  } catch {
    return false;
  }
}

/** The most that is coloured: more takes longer than a page may stand still, and nobody reads it in a chat. */
export const mostCode = 30_000;

/** Colours code of a prepared language. The result is data: nothing in it can become an element of its own. */
export function colour(language: string, text: string): Piece[] {
  return pieces(painter.highlight(language, text).children);
}

interface HastNode {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: HastNode[];
}

function pieces(nodes: readonly HastNode[]): Piece[] {
  return nodes.flatMap((node): Piece[] => {
    if (node.type === "text") return [node.value ?? ""];
    const names: unknown = node.properties?.className;
    const role = Array.isArray(names) ? names.join(" ") : "";
    return [{ role, pieces: pieces(node.children ?? []) }];
  });
}
