import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";
import { assetName, slimFont } from "./scripts/slim-font.ts";
import { slimMath } from "./scripts/slim-math.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env["CHATETS_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [slimMath(), react(), tailwindcss(), slimFont()],
  resolve: {
    alias: {
      "@": here("./src"),
      // The original writes <style> elements, which the content security policy
      // refuses; nothing behind a dialog scrolls here, so nothing needs locking.
      "react-remove-scroll": here("./src/lib/remove-scroll.tsx"),
    },
  },
  build: {
    outDir: here("../embed/ui"),
    // The folder holds a README that is kept; scripts/clean.mjs empties the rest.
    emptyOutDir: false,
    // For the budgets (.size-limit.js); scripts/compress.mjs takes it out of the build.
    manifest: "manifest.json",
    // data: addresses are not allowed by the policy, so nothing is inlined.
    assetsInlineLimit: 0,
    // The oldest browsers that know cascade layers, oklch and color-mix.
    target: ["chrome111", "edge111", "firefox128", "safari16.4"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      // The second page draws diagrams, in a sandbox.
      input: [here("./index.html"), here("./diagram.html")],
      output: { assetFileNames: assetName },
    },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy: {
      "/api": { target: server, ws: true },
      "/docs": { target: server },
      "/health": { target: server },
    },
  },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "http://localhost:3000/" } },
    setupFiles: ["./src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    maxWorkers: 1,
    testTimeout: 30_000,
    // So that the stand-in above is theirs in tests too.
    server: { deps: { inline: [/@radix-ui/] } },
    css: false,
  },
});
