import type { Plugin } from "vite";

/** KaTeX names three files for each of its fonts; every browser that is built for takes the first. */
export function slimMath(): Plugin {
  return {
    name: "slim-math",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("katex") || !id.endsWith(".css")) return;
      return { code: code.replace(/,url\([^)]+\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)/g, ""), map: null };
    },
  };
}
