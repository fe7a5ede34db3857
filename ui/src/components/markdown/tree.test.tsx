import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { parseFull } from "./parse-full";
import { type MarkdownParts, MarkdownTree } from "./tree";

const parts: MarkdownParts = {
  heading: (depth, children) => <div role="heading" aria-level={depth}>{children}</div>,
  link: (address, children) => <a href={address}>{children}</a>,
  picture: (address, name) => <i>{`${name}|${address}`}</i>,
  code: (language, text) => <pre lang={language}>{text}</pre>,
  table: (children) => <table>{children}</table>,
  cell: (children, text, align) => <td title={text} align={align}>{children}</td>,
  other: (node) => <u>{node.type}</u>,
};

const drawn = (text: string) => render(<MarkdownTree tree={parseFull(text)} parts={parts} />).container.innerHTML;

describe("MarkdownTree", () => {
  it.each([
    ["paragraphs and emphasis", "One *two* **three** ~~four~~ `five`\n\nSix", "<p>One <em>two</em> <strong>three</strong> <del>four</del> <code>five</code></p><p>Six</p>"],
    ["a line break", "one  \ntwo", "<p>one<br>two</p>"],
    ["one tilde as it is", "about ~5 or ~6", "<p>about ~5 or ~6</p>"],
    ["headings", "# One\n\n### Three", '<div role="heading" aria-level="1">One</div><div role="heading" aria-level="3">Three</div>'],
    ["a tight list", "- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
    ["a loose list", "- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"],
    ["a list that goes on counting", "3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'],
    ["a list in a list", "- a\n  1. b", "<ul><li>a<ol><li>b</li></ol></li></ul>"],
    ["tasks", "- [x] a\n- [ ] b", '<ul><li><input readonly="" disabled="" type="checkbox" checked=""> a</li><li><input readonly="" disabled="" type="checkbox"> b</li></ul>'],
    ["a quotation", "> a\n>\n> b", "<blockquote><p>a</p><p>b</p></blockquote>"],
    ["a rule", "a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"],
    ["code with its language", "```go\nx := 1\n```", '<pre lang="go">x := 1</pre>'],
    ["code that is still being written", "```\nx := 1", '<pre lang="">x := 1</pre>'],
    ["links, named elsewhere too", "[a](https://x.lan) [b][c]\n\n[c]: https://y.lan", '<p><a href="https://x.lan">a</a> <a href="https://y.lan">b</a></p>'],
    ["a bare address", "see https://x.lan/a.", '<p>see <a href="https://x.lan/a">https://x.lan/a</a>.</p>'],
    ["a bare address in brackets", "(https://x.lan/a?b=1)", '<p>(<a href="https://x.lan/a?b=1">https://x.lan/a?b=1</a>)</p>'],
    ["no link inside a link", "[https://x.lan](https://y.lan)", '<p><a href="https://y.lan">https://x.lan</a></p>'],
    ["a picture as its name", "![plan](https://x.lan/p.png)", "<p><i>plan|https://x.lan/p.png</i></p>"],
    ["raw HTML as text", "<script>alert(1)</script>\n\na <b onclick=x>b</b>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p><p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>"],
    [
      "a table",
      "| a | b |\n|---|--:|\n| *c* | 1 |",
      '<table><thead><tr><th scope="col">a</th><th scope="col" style="text-align: right;">b</th></tr></thead><tbody><tr><td title="c"><em>c</em></td><td title="1" align="right">1</td></tr></tbody></table>',
    ],
  ])("draws %s", (_name, text, want) => {
    expect(drawn(text)).toBe(want);
  });

  it("hands on what a change of the tree has put in", () => {
    const tree = parseFull("a");
    tree.children.push({ type: "key" } as never);
    expect(render(<MarkdownTree tree={tree} parts={parts} />).container.innerHTML).toBe("<p>a</p><u>key</u>");
  });
});
