import type { Plugin } from "vite";

/**
 * The one font every page needs at once is named in the page itself, so that it
 * comes with the script instead of after the style sheet. All other files of the
 * family are asked for by the browser only when a text needs their letters.
 */
export function preloadFont(): Plugin {
  return {
    name: "preload-font",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const font = Object.keys(bundle ?? {}).find((name) => /inter-latin-wght-normal.*\.woff2$/.test(name));
        if (!font) throw new Error("the latin variable font is not in the bundle");
        return [
          {
            tag: "link",
            attrs: { rel: "preload", as: "font", type: "font/woff2", href: `/${font}`, crossorigin: "" },
            injectTo: "head",
          },
        ];
      },
    },
  };
}
