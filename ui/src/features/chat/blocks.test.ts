import { describe, expect, it } from "vitest";
import { markdownBlocks } from "./blocks";

const answer = [
  "# Efficiency",
  "",
  "The best point is **75 % load** [1].",
  "Second line.",
  "",
  "",
  "- one [2]",
  "",
  "- two",
  "",
  "  more of two",
  "",
  "After the list.",
  "",
  "```go",
  "func main() {",
  "",
  "}",
  "```",
  "",
  "| a | b |",
  "|---|---|",
  "| 1 | 2 |",
  "",
  "1. first",
  "",
  "2. second",
  "",
  "   ```",
  "   x",
  "",
  "   y",
  "   ```",
  "",
  "> quoted",
  "> text",
  "",
  "~~~",
  "``` inside",
  "~~~",
  "end",
].join("\n");

describe("markdownBlocks", () => {
  it("keeps lists, fences and tables whole", () => {
    expect(markdownBlocks(answer)).toEqual([
      "# Efficiency",
      "The best point is **75 % load** [1].\nSecond line.",
      "- one [2]\n\n- two\n\n  more of two",
      "After the list.",
      "```go\nfunc main() {\n\n}\n```",
      "| a | b |\n|---|---|\n| 1 | 2 |",
      "1. first\n\n2. second\n\n   ```\n   x\n\n   y\n   ```",
      "> quoted\n> text",
      "~~~\n``` inside\n~~~\nend",
    ]);
  });

  it("never changes a block that is not the last one", () => {
    let before: string[] = [];
    for (let i = 0; i <= answer.length; i++) {
      const now = markdownBlocks(answer.slice(0, i));
      const settled = before.slice(0, -1);
      expect(now.slice(0, settled.length)).toEqual(settled);
      before = now;
    }
  });

  const cases = [
    { name: "nothing", text: "", blocks: [] },
    { name: "only blank lines", text: "\n \n\t\n", blocks: [] },
    { name: "an open fence takes the rest", text: "a\n\n```\n\nb\n\nc", blocks: ["a", "```\n\nb\n\nc"] },
    { name: "a fence with a back-tick behind it is none", text: "```a`b\n\nc", blocks: ["```a`b", "c"] },
    { name: "a shorter run does not close", text: "````\n```\n\nx\n````\n\ny", blocks: ["````\n```\n\nx\n````", "y"] },
    { name: "Windows line ends", text: "a\r\n\r\nb", blocks: ["a", "b"] },
  ];
  for (const { name, text, blocks } of cases) it(name, () => expect(markdownBlocks(text)).toEqual(blocks));
});
