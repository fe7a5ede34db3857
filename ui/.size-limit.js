// What a page loads until it is idle, after gzip: its chunks with everything they
// import, their styles, and the fonts its text needs.
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("node_modules/.cache/chatets/manifest.json", import.meta.url), "utf8"));

function filesOf(...entries) {
  const files = new Set();
  const seen = new Set();
  const follow = (key) => {
    const chunk = manifest[key];
    if (!chunk) throw new Error(`${key} is not in the build`);
    if (seen.has(key)) return;
    seen.add(key);
    files.add(chunk.file);
    for (const css of chunk.css ?? []) files.add(css);
    for (const next of chunk.imports ?? []) follow(next);
  };
  for (const entry of entries) follow(entry);
  const fonts = Object.values(manifest).map((chunk) => chunk.file).filter((file) => /inter-latin-wght-normal/.test(file));
  return ["index.html", "theme.js", "icon.svg", ...files, ...fonts].map((file) => `../embed/ui/${file}`);
}

const door = ["index.html"];
const frame = [...door, "src/app/application.tsx"];

export default [
  { name: "sign-in page", path: filesOf(...door), limit: "120 KB", gzip: true, brotli: false },
  { name: "start page", path: filesOf(...frame, "src/features/chat/start-page.tsx"), limit: "250 KB", gzip: true, brotli: false },
  { name: "chat page", path: filesOf(...frame, "src/features/chat/chat-page.tsx"), limit: "250 KB", gzip: true, brotli: false },
];
