import { describe, expect, it } from "vitest";
import { checkPassword } from "./rules";

const owner = { name: "Miriam Okafor", email: "m.okafor@northfield.lan" };

describe("checkPassword", () => {
  it.each([
    ["nothing", "", { length: false, own: false }],
    ["eleven characters", "abcdefghijk", { length: false, own: true }],
    ["twelve characters", "seven herons", { length: true, own: true }],
    ["twelve characters beyond the basic plane", "🦩🦩🦩🦩🦩🦩🦩🦩🦩🦩🦩🦩", { length: true, own: true }],
    ["the e-mail address", "M.Okafor@northfield.lan", { length: true, own: false }],
    ["the name with figures", "miriam.okafor2026", { length: true, own: false }],
    ["the name in a sentence", "Miriam Okafor walks home", { length: true, own: true }],
  ])("judges %s", (_name, password, want) => {
    expect(checkPassword(password, owner)).toEqual(want);
  });

  it("refuses nobody whose name is not known yet", () => {
    expect(checkPassword("seven grey herons", { name: "", email: "" })).toEqual({ length: true, own: true });
  });
});
