import { act, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { LiveProvider } from "@/components/ui/live";
import { TooltipProvider } from "@/components/ui/tooltip";
import { Markdown } from "./markdown";
import { SourcesContext } from "./sources";

const none = new Set<number>();
const nobody = { citations: new Map(), current: undefined, open: () => undefined };

function show(text: string, writing = false) {
  const page = (next: string, still: boolean) => (
    <TooltipProvider>
      <LiveProvider>
        <SourcesContext value={nobody}>
          <Markdown text={next} known={none} writing={still} />
        </SourcesContext>
      </LiveProvider>
    </TooltipProvider>
  );
  const view = render(page(text, writing));
  return { ...view, write: (next: string, still = true) => view.rerender(page(next, still)) };
}

describe("code", () => {
  it("is coloured, and keeps every letter", async () => {
    const code = 'func main() {\n\tfmt.Println("<b>hi</b>") // greet\n}';
    const { container } = show("```go\n" + code + "\n```");
    const pre = await screen.findByRole("region", { name: "Code in go, scrolls sideways" });
    await waitFor(() => expect(container.querySelector(".hljs-keyword")).toHaveTextContent("func"));
    expect(pre.textContent).toBe(code);
    expect(container.querySelector("b")).toBeNull();
  });

  it("is plain in a language nobody knows, and with a name that is no language", async () => {
    const { container } = show("```__proto__\nx\n```\n\n```constructor\ny\n```");
    await screen.findByText("y");
    await vi.dynamicImportSettled();
    expect(container.querySelector("[class^=hljs]")).toBeNull();
  });

  it("can be copied whole, wrapped and kept as a file", async () => {
    const user = userEvent.setup();
    const write = vi.spyOn(navigator.clipboard, "writeText");
    show("```python\nprint(1)\n```");
    await user.click(await screen.findByRole("button", { name: "Copy the code" }));
    expect(write).toHaveBeenCalledWith("print(1)");
    const wrap = screen.getByRole("button", { name: "Wrap long lines" });
    await user.click(wrap);
    expect(wrap).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByRole("button", { name: "Download the code" })).toBeInTheDocument();
  });

  it("shows no mark of the fence while the fence is written", async () => {
    const view = show("```go\na\n", true);
    const code = await screen.findByText("a");
    for (const tail of ["`", "``", "```"]) {
      view.write("```go\na\n" + tail);
      expect(screen.getByText("a")).toBe(code);
      expect(view.container.textContent).not.toContain("`");
    }
    view.write("```go\na\n```", false);
    expect(screen.getByText("a").textContent).toBe("a");
  });
});

describe("formulas", () => {
  it.each([
    ["$E = mc^2$", "E = mc^2"],
    ["so \\(a_1 + b_2\\) holds", "a_1 + b_2"],
    ["$$\n\\int_0^1 x\\,dx\n$$", "\\int_0^1 x\\,dx"],
    ["\\[ x \\]", "x"],
  ])("sets %s", async (text, tex) => {
    const { container } = show(text);
    await waitFor(() => expect(container.querySelector("annotation")?.textContent).toBe(tex), { timeout: 20_000 });
    expect(container.querySelector("math")).not.toBeNull();
  });

  it.each(["It costs $5 or $10.", "a $ b $ c", "`$x$` and \\$y\\$", "```\n$x$\n```"])("leaves %s as it is", async (text) => {
    const { container } = show(text);
    await vi.dynamicImportSettled();
    expect(container.querySelector(".katex, annotation")).toBeNull();
    expect(container.textContent).toContain("$");
  });

  it("waits for the end of a formula that is being written", async () => {
    const view = show("Then $$\\frac{a}", true);
    await waitFor(() => expect(view.container.querySelector(".formula-open")).toHaveTextContent("\\frac{a}"));
    view.write("Then $$\\frac{a}{b}$$ and");
    await waitFor(() => expect(view.container.querySelector("annotation")?.textContent).toBe("\\frac{a}{b}"));
  });

  it.each([
    ["an endless macro", "$\\def\\a{\\a\\a}\\a$"],
    ["a doubling macro", `$${Array.from({ length: 30 }, (_, i) => `\\def\\m${String.fromCharCode(97 + (i % 26))}{\\mz\\mz}`).join("")}\\ma$`],
    ["deep nesting", `$${"{".repeat(1900)}x${"}".repeat(1900)}$`],
    ["a link that runs", "$\\href{javascript:alert(1)}{x}$"],
    ["a picture from elsewhere", "$\\includegraphics{https://evil.example/x.png}$"],
    ["markup of its own", '$\\htmlData{a=b}{x} \\htmlStyle{color:red}{y}$'],
    ["no TeX at all", "$\\notacommand$"],
  ])("stays safe with %s", async (_name, text) => {
    const before = performance.now();
    const { container } = show(text);
    await vi.dynamicImportSettled();
    await act(async () => undefined);
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(container.querySelectorAll("a, img, script, [style*='color:red'], [data-a]")).toHaveLength(0);
  });
});

describe("tables", () => {
  const table = (rows: number) => `| name | n |\n|---|--:|\n${Array.from({ length: rows }, (_, i) => `| row ${i} | ${i} |`).join("\n")}`;

  it("are copied as CSV with guarded cells", async () => {
    const user = userEvent.setup();
    const write = vi.spyOn(navigator.clipboard, "writeText");
    show('| a | b |\n|---|---|\n| =1+1 | -5 |\n| x, "y" | **z** |');
    await user.click(await screen.findByRole("button", { name: "Copy the table as CSV" }));
    expect(write).toHaveBeenLastCalledWith('a,b\r\n\'=1+1,-5\r\n"x, ""y""",z\r\n');
  });

  it("of 5,000 rows show the first and copy all", async () => {
    const user = userEvent.setup();
    const write = vi.spyOn(navigator.clipboard, "writeText");
    show(table(5_000));
    expect(await screen.findByText("120 of 5,000 rows")).toBeInTheDocument();
    expect(screen.getAllByRole("row").length).toBe(121);
    await user.click(screen.getByRole("button", { name: "Show 400 more rows" }));
    expect(within(screen.getByRole("table")).getByRole("cell", { name: "row 519" })).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Copy the table as CSV" }));
    const copied = write.mock.calls.at(-1)?.[0] ?? "";
    expect(copied.split("\r\n")).toHaveLength(5_002);
    expect(copied).toContain("row 4999,4999");
  });

  it("keep their finished rows while more are written", async () => {
    const view = show(table(100), true);
    const first = await screen.findByRole("cell", { name: "row 0" });
    view.write(table(101) + "\n| row x");
    expect(screen.getByRole("cell", { name: "row 0" })).toBe(first);
    expect(screen.getByRole("cell", { name: "row 100" })).toBeInTheDocument();
  });
});

describe("pictures", () => {
  const dot = "data:image/png;base64,iVBORw0KGgo=";

  it("that stand in the text are shown and enlarged", async () => {
    show(`![a plan](${dot})`);
    await userEvent.click(await screen.findByRole("button", { name: "Enlarge: Picture: a plan" }));
    expect(within(await screen.findByRole("dialog", { name: "a plan" })).getByRole("img")).toHaveAttribute("src", dot);
  });

  it.each(["data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,PHN2Zz4=", "https://evil.example/p.png", "/api/documents/1/file"])("from %s are only named", async (src) => {
    const { container } = show(`![plan](${src})`);
    expect(await screen.findByText("Picture: plan")).toBeInTheDocument();
    expect(container.querySelector("img")).toBeNull();
  });
});

describe("diagrams", () => {
  it("too large to draw are shown as text, and say so", async () => {
    show("```mermaid\ngraph TD\n" + Array.from({ length: 2_000 }, (_, i) => `a${i} --> a${i + 1}`).join("\n") + "\n```");
    expect(await screen.findByText(/too large to be drawn/)).toBeInTheDocument();
    expect(document.querySelector("iframe")).toBeNull();
  });

  it("are drawn in a sandbox without an origin, from their source alone, and shown as an image", async () => {
    URL.createObjectURL = () => "blob:drawn";
    URL.revokeObjectURL = () => undefined;
    const { container } = show("```mermaid\ngraph TD\na --> b\n```");
    const frame = await waitFor(() => document.querySelector("iframe") ?? Promise.reject(new Error("no frame yet")));
    expect(frame.getAttribute("sandbox")).toBe("allow-scripts");
    const post = vi.spyOn(frame.contentWindow as Window, "postMessage").mockImplementation(() => undefined);
    const say = (data: unknown, source: Window | null) => act(() => window.dispatchEvent(new MessageEvent("message", { data, source })));
    await say({ ready: true }, frame.contentWindow);
    expect(post).toHaveBeenCalledWith({ number: 1, source: "graph TD\na --> b" }, "*");
    // Somebody else cannot answer for it.
    await say({ number: 1, svg: "<svg onload='alert(1)'/>", width: 1, height: 1 }, window);
    expect(container.querySelector("img")).toBeNull();
    await say({ number: 1, svg: "<svg/>", width: 20, height: 10 }, frame.contentWindow);
    expect(await screen.findByRole("img", { name: "Diagram" })).toHaveAttribute("src", "blob:drawn");
    expect(container.querySelector("svg[onload]")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Show as text" }));
    expect(screen.getByText(/a --> b/)).toBeInTheDocument();
  });
});
