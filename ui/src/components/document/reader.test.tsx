import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import type { Block } from "@/api/content";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { Reader } from "./reader";

/** A document of numbered paragraphs, served as the server does: from the block that holds an offset. */
function serve(texts: readonly string[], { size = 5, state = "ready" } = {}) {
  const blocks: Block[] = [];
  let at = 0;
  for (const text of texts) {
    const length = Array.from(text).length;
    blocks.push({ kind: "paragraph", level: 0, page: 0, text, start: at, end: at + length });
    at += length + 1;
  }
  const asked: number[] = [];
  server.use(
    http.get("*/api/documents/d1/content", ({ request }) => {
      const from = Number(new URL(request.url).searchParams.get("from"));
      asked.push(from);
      const first = Math.max(0, blocks.findIndex((block) => block.end >= from));
      if (state !== "ready") return HttpResponse.json({ status: 409, detail: "The document is still being read.", code: "document-not-ready" }, { status: 409 });
      return HttpResponse.json({ document: { state }, blocks: blocks.slice(first, first + size), next: blocks[first + size]?.start ?? null });
    }),
  );
  return { blocks, asked };
}

const region = () => screen.findByRole("region", { name: "Text of the document" });
/** What is read, without the word that tells a screen reader of the passage. */
const paragraphs = (element: HTMLElement) => Array.from(element.querySelectorAll(".paper p")).map((p) => p.textContent?.replace(/^Passage/, ""));

describe("Reader", () => {
  const texts = Array.from({ length: 60 }, (_, i) => `Paragraph ${i} 👩‍⚕️ 効率. ${"word ".repeat(60)}`);

  it("marks exactly the passage, whatever stands before it", async () => {
    const { blocks } = serve(["𠮷野家で😀昼食。次の文。", "é ü 👩‍⚕️ Dose: 5 mg täglich. Ende."]);
    const from = (blocks[1]?.start ?? 0) + Array.from("é ü 👩‍⚕️ ").length;
    show(<Reader document="d1" passage={{ from, to: from + Array.from("Dose: 5 mg täglich.").length, number: 3 }} />);
    expect(await screen.findByText("Dose: 5 mg täglich.")).toHaveProperty("tagName", "MARK");
    expect(document.querySelectorAll("mark")).toHaveLength(1);
    expect(screen.getByText("Passage 3")).toBeInTheDocument();
  });

  it("marks a passage over several blocks", async () => {
    serve(["one two", "three", "four five"]);
    show(<Reader document="d1" passage={{ from: 4, to: 18, number: 1 }} />);
    await screen.findByText("three");
    expect(Array.from(document.querySelectorAll("mark")).map((mark) => mark.textContent)).toEqual(["two", "three", "four"]);
    expect(screen.getAllByText("Passage 1")).toHaveLength(1);
  });

  it("begins near the passage and grows both ways without a gap", async () => {
    const { blocks } = serve(texts, { size: 12 });
    const target = blocks[30];
    show(<Reader document="d1" passage={{ from: target?.start ?? 0, to: (target?.start ?? 0) + 12 }} />);
    const desk = await region();
    expect(await screen.findByText("Paragraph 30")).toHaveProperty("tagName", "MARK");
    expect(paragraphs(desk)[0]).not.toContain("Paragraph 0 ");
    for (;;) {
      const [more] = within(desk).queryAllByRole("button", { name: /Load what (stands before|comes next)/ });
      if (!more) break;
      const count = paragraphs(desk).length;
      await userEvent.click(more);
      await waitFor(() => expect(paragraphs(desk).length).toBeGreaterThan(count));
    }
    expect(paragraphs(desk)).toEqual(texts);
  });

  it("says that the text is still to come", async () => {
    serve(["x"], { state: "extracting" });
    show(<Reader document="d1" />);
    expect(await screen.findByText(/still being read/)).toBeInTheDocument();
  });

  it("says that a document has no text", async () => {
    serve([], {});
    show(<Reader document="d1" />);
    expect(await screen.findByText("This document has no text.")).toBeInTheDocument();
  });

  it("says that a document is gone, and why another one did not load", async () => {
    let status = 404;
    server.use(http.get("*/api/documents/d1/content", () => HttpResponse.json({ status, detail: "No.", code: "x", cure: "Wait.", request: "q-1" }, { status })));
    const first = show(<Reader document="d1" />);
    expect(await screen.findByText("This document is not here.")).toBeInTheDocument();
    first.unmount();
    status = 500;
    show(<Reader document="d1" />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The document did not load. No. Wait.Request q-1");
    serve(["back"]);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("back")).toBeInTheDocument();
  });
});
