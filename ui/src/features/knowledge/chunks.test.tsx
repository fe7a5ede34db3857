import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import { aBase, aDocument, aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { DocumentPage } from "./document-page";
import type { Chunk } from "./queries";

const chunk = (number: number, change: Partial<Chunk> = {}): Chunk => ({
  number, page: 0, heading: "Start\nCare", start: number * 100, end: number * 100 + 50, text: `Passage ${number} says this.`, characters: 50, tokens: 18, language: "en", disabled: false, ...change,
});

/** A document of passages that can be switched, as the server keeps them. */
function serve({ right = "edit", type = "text/markdown", pages = 0, count = 3 } = {}) {
  const off = new Set<number>();
  const asked: URLSearchParams[] = [];
  const sent: unknown[] = [];
  const document = () => aDocument({ type, pages, chunks: count, disabled: off.size });
  server.use(
    http.get("*/api/documents/d1", () => HttpResponse.json(document())),
    http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase({ right: right === "edit" ? "edit" : "read" }))),
    http.get("*/api/documents/d1/content", ({ request }) => {
      const page = Number(new URL(request.url).searchParams.get("page") ?? 0) || 1;
      return HttpResponse.json({ document: document(), blocks: [{ kind: "paragraph", level: 0, page: pages && page, text: `Text of page ${page}.`, start: 0, end: 15 }], next: null });
    }),
    http.get("*/api/documents/d1/chunks", ({ request }) => {
      const query = new URL(request.url).searchParams;
      asked.push(query);
      const page = Number(query.get("page") ?? 0);
      let list = Array.from({ length: count }, (_, i) => chunk(i + 1, { page: pages && i + 1, disabled: off.has(i + 1) }));
      if (page) list = list.filter((c) => c.page === page);
      if (query.get("disabled")) list = list.filter((c) => c.disabled);
      const after = Number(query.get("cursor") ?? 0);
      list = list.filter((c) => c.number > after);
      return HttpResponse.json({ items: list.slice(0, 2), ...(list.length > 2 ? { next: String(list[1]?.number) } : {}), total: count, disabled: off.size });
    }),
    http.patch("*/api/documents/d1/chunks/:number", async ({ request, params }) => {
      const body = (await request.json()) as { disabled: boolean };
      sent.push(body);
      const number = Number(params["number"]);
      if (number === 2) return aProblem(404, "The document has no passage 2.", { cure: "List them again." });
      if (body.disabled) off.add(number);
      else off.delete(number);
      return HttpResponse.json(chunk(number, { disabled: body.disabled }));
    }),
  );
  return { asked, sent };
}

const at = { path: "/documents/$document", at: "/documents/d1" };

describe("the passages of a document", () => {
  it("are listed beside it with their size, tokens and language, and go on", async () => {
    serve();
    show(<DocumentPage />, at);
    const items = within(await screen.findByRole("complementary", { name: "Beside the document" }));
    expect(await items.findByText("Passage 1 says this.")).toBeInTheDocument();
    expect(items.getAllByText("50 characters, about 18 tokens, English")).toHaveLength(2);
    expect(items.getAllByRole("link", { name: "Show the passage Start › Care in the document" })[1]).toHaveAttribute("href", "/documents/d1?from=200&to=250");
    await userEvent.click(items.getByRole("button", { name: "Load the next passages" }));
    expect(await items.findByText("Passage 3 says this.")).toBeInTheDocument();
  });

  it("are switched off and on, and say so; a refusal says why", async () => {
    const { sent } = serve();
    show(<DocumentPage />, at);
    const [first, second] = await screen.findAllByRole("checkbox", { name: "Found by questions" });
    await userEvent.click(first as HTMLElement);
    expect(await screen.findByRole("checkbox", { name: "Off: not found" })).not.toBeChecked();
    expect(await screen.findByText(/1 switched off/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole("radio", { name: "Off (1)" }));
    await waitFor(() => expect(screen.queryByText("Passage 2 says this.")).not.toBeInTheDocument());
    await userEvent.click(screen.getByRole("checkbox", { name: "Off: not found" }));
    await waitFor(() => expect(screen.getAllByRole("checkbox", { name: "Found by questions" })).toHaveLength(2));
    expect(sent).toEqual([{ disabled: true, start: 100 }, { disabled: false, start: 100 }]);
    expect(second).toBeDefined();
    await userEvent.click(screen.getAllByRole("checkbox", { name: "Found by questions" })[1] as HTMLElement);
    expect(await screen.findByRole("alert")).toHaveTextContent("The passage was not changed. The document has no passage 2. List them again.");
  });

  it("are read only for who may not edit", async () => {
    serve({ right: "read" });
    show(<DocumentPage />, at);
    expect(await screen.findByText("Passage 1 says this.")).toBeInTheDocument();
    expect(screen.queryByRole("checkbox")).not.toBeInTheDocument();
  });

  it("of a printed page follow the page, and so does its text", async () => {
    const { asked } = serve({ type: "application/pdf", pages: 3 });
    show(<DocumentPage />, at);
    expect(await screen.findByText("Passage 1 says this.")).toBeInTheDocument();
    await userEvent.click(await screen.findByRole("button", { name: "Next page" }));
    expect(await screen.findByText("Passage 2 says this.")).toBeInTheDocument();
    await waitFor(() => expect(screen.queryByText("Passage 1 says this.")).not.toBeInTheDocument());
    expect(asked.some((query) => query.get("page") === "2")).toBe(true);
    await userEvent.click(screen.getByRole("radio", { name: "Text of the page" }));
    expect(await screen.findByText("Text of page 2.")).toBeInTheDocument();
    expect(screen.getByRole("img", { name: /Page 2 of/, hidden: true })).toBeInTheDocument();
  });
});
