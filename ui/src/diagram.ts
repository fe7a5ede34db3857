import mermaid from "mermaid";

/**
 * The drawing board: a page in a sandbox without an origin, which can load nothing but its own scripts. The page
 * around it sends the source of a diagram and gets a picture back, or nothing.
 */
mermaid.initialize({
  startOnLoad: false,
  securityLevel: "strict",
  suppressErrorRendering: true,
  maxTextSize: 12_000,
  maxEdges: 200,
  htmlLabels: false,
  flowchart: { htmlLabels: false },
  class: { htmlLabels: false },
  theme: "neutral",
  // A picture cannot use the fonts of the page.
  fontFamily: "sans-serif",
  // What stands in a diagram may not change any of this.
  secure: ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering", "htmlLabels", "flowchart", "class", "fontFamily", "themeCSS", "dompurifyConfig"],
});

async function draw(number: number, source: string): Promise<void> {
  try {
    const { svg } = await mermaid.render(`d${number}`, source);
    const shell = document.createElement("div");
    shell.innerHTML = svg;
    const picture = shell.querySelector("svg");
    if (!picture) throw new Error("nothing was drawn");
    // A picture has the size of what it shows.
    const [, , width = 0, height = 0] = (picture.getAttribute("viewBox") ?? "").split(/[\s,]+/).map(Number);
    if (!(width > 0) || !(height > 0)) throw new Error("nothing was drawn");
    picture.setAttribute("width", String(width));
    picture.setAttribute("height", String(height));
    parent.postMessage({ number, svg: new XMLSerializer().serializeToString(picture), width: Math.ceil(width), height: Math.ceil(height) }, "*");
  } catch {
    parent.postMessage({ number }, "*");
  }
  document.body.replaceChildren();
}

addEventListener("message", (event: MessageEvent<unknown>) => {
  if (event.source !== parent || typeof event.data !== "object" || event.data === null) return;
  const { number, source } = event.data as { number?: unknown; source?: unknown };
  if (typeof number === "number" && typeof source === "string") void draw(number, source);
});
parent.postMessage({ ready: true }, "*");
