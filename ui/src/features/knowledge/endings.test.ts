import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { accept } from "./endings";

describe("the files that can be chosen", () => {
  it("are those that the server reads", () => {
    const source = readFileSync(join(import.meta.dirname, "../../../../appliance/extract/format.go"), "utf8");
    const strings = (text: string | undefined) => Array.from((text ?? "").matchAll(/"([^"]*)"/g), ([, inside]) => inside ?? "");
    const listed = Array.from(source.matchAll(/endings: \[\]string\{([^}]*)\}/g), ([, inside]) => strings(inside)).flat();
    const programs = strings(/const sourceEndings = ((?:"[^"]*"[\s+]*)+)/.exec(source)?.[1]).join("").split(" ");
    expect(listed).toContain(".pdf");
    expect(programs).toContain(".go");
    expect(accept.split(",")).toEqual([...listed, ...programs].filter(Boolean));
  });
});
