import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !/\.test\.|^test\//.test(name));

describe("the pages of a shared workstation", () => {
  it("keep nothing in the browser but the look", () => {
    const keeping = files.filter((name) => /\b(?:localStorage|sessionStorage|indexedDB|caches\.|document\.cookie|openDatabase)\b/.test(readFileSync(join(root, name), "utf8")));
    expect(keeping).toEqual(["lib/preferences.ts"]);
    const worker = readFileSync(join(root, "../public/sw.js"), "utf8");
    expect(worker).not.toContain("/api");
    expect(worker.match(/cache\.put/g)).toHaveLength(1);
  });
});

describe("the languages", () => {
  it("translate every catalogue, and load every translation", () => {
    for (const language of ["de", "fr"]) {
      const translations = files.filter((name) => name.endsWith(`.${language}.ts`) || name === `app/locales/${language}.ts`);
      const loaded = translations.map((name) => readFileSync(join(root, name), "utf8")).join("\n");
      const catalogues = files.filter((name) => /words\.ts$/.test(name) && name.includes("/") && readFileSync(join(root, name), "utf8").includes("new Catalogue("));
      expect(catalogues.length).toBeGreaterThan(10);
      for (const name of catalogues) {
        const translated = name.replace(/\.ts$/, `.${language}`);
        expect(files, `${language} of ${name}`).toContain(`${translated}.ts`);
        expect(loaded, `${translated} is loaded`).toMatch(new RegExp(`(?:import|from|import\\() ?"[^"]*/${translated.split("/").at(-1)}"`));
      }
    }
  });
});
