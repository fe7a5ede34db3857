import { describe, expect, it } from "vitest";
import { withoutIntroduction } from "./extract";

describe("withoutIntroduction", () => {
  const cases = [
    { name: "a sentence before the list", text: "No model is connected:\n\n- One. [1]\n- Two. [2]", want: "- One. [1]\n- Two. [2]" },
    { name: "half of the sentence", text: "No model is", want: "" },
    { name: "no sentence", text: "- One. [1]\n- Two. [2]", want: "- One. [1]\n- Two. [2]" },
    { name: "a quote that is a paragraph", text: "One. [1]\n\nTwo. [2]", want: "One. [1]\n\nTwo. [2]" },
    { name: "nothing", text: "", want: "" },
  ];
  for (const { name, text, want } of cases) it(name, () => expect(withoutIntroduction(text)).toBe(want));
});
