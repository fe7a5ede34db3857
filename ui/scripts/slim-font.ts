import subset from "subset-font";
import type { Plugin } from "vite";

/** Changes the name of the file, so that no browser keeps one of an older recipe. */
const recipe = "slim2";
const file = new RegExp(`inter-latin-wght-normal-${recipe}-[^.]*\\.woff2$`);

const range = (from: number, to: number) => String.fromCodePoint(...Array.from({ length: to - from + 1 }, (_, i) => from + i));
// The letters that fonts.css promises for this file.
const letters = range(0x20, 0xff) + "ıŒœʻʼˆ˚˜\u0304\u0308\u0329" + range(0x2000, 0x206f) + "€™↑↓−∕\ufeff\ufffd";
// The weights that tokens.css uses, and the features the text is set with.
const recipeOptions = {
  targetFormat: "woff2",
  variationAxes: { wght: { min: 400, max: 660 } },
  keepFeatures: ["kern", "ccmp", "tnum", "locl", "mark"],
} as const;

/** The name of an asset in the build; the slimmed font carries its recipe. */
export function assetName({ names }: { names: string[] }): string {
  return names[0]?.startsWith("inter-latin-wght-normal") ? `assets/[name]-${recipe}-[hash][extname]` : "assets/[name]-[hash][extname]";
}

/**
 * The one font that every page needs at once is the largest thing the sign-in page
 * loads: it is cut to the weights and features in use (48 to 24 KB) and named in
 * the page itself, so that it comes with the script instead of after the style sheet.
 */
export function slimFont(): Plugin {
  return {
    name: "slim-font",
    apply: "build",
    async generateBundle(_options, bundle) {
      for (const asset of Object.values(bundle)) {
        if (asset.type !== "asset" || !file.test(asset.fileName)) continue;
        asset.source = await subset(Buffer.from(asset.source), letters, recipeOptions);
      }
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle, path }) {
        if (path !== "/index.html") return [];
        const font = Object.keys(bundle ?? {}).find((name) => file.test(name));
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
