import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { aBase, aDocument, aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { BasePage } from "./base-page";

const base = { path: "/knowledge/$knowledge", at: "/knowledge/k1" };

function anIndex(change: Partial<Schema<"IndexBody">> = {}): Schema<"IndexBody"> {
  return {
    model: "built-in",
    dimension: 512,
    passages: 20,
    vectors: 18,
    english: true,
    foreign: 2,
    renewals: { done: 0, total: 0, failed: 0 },
    choices: [{ model: "built-in" }, { model: "bge-m3", label: "BGE M3" }],
    ...change,
  };
}

function aRanked(change: Partial<Schema<"Ranked">> = {}): Schema<"Ranked"> {
  return {
    chunk: 7, document: { id: "d1", title: "Engine test handbook" }, knowledge: "k1", page: 0, heading: "", start: 0, end: 40,
    text: "The engine is stopped after nine minutes.", score: 1.2, coverage: 0.5, rank: 1, wordRank: 2, wordScore: 3, nearRank: 1, cosine: 0.61,
    matched: ["engine"], missing: ["motor"], disabled: false, answers: true,
    ...change,
  };
}

const documents = () => HttpResponse.json({ items: [aDocument()], next: "" });

describe("the index of a base", () => {
  it("shows what compares it, and takes another model", async () => {
    let index = anIndex();
    const wanted: unknown[] = [];
    server.use(
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase())),
      http.get("*/api/documents", documents),
      http.get("*/api/knowledge/k1/index", () => HttpResponse.json(index)),
      http.put("*/api/knowledge/k1/embedding", async ({ request }) => {
        wanted.push(await request.json());
        if (wanted.length === 1) return aProblem(503, "The server is away.", { cure: "Start it." });
        index = anIndex({ build: { model: "bge-m3", state: "building", done: 5, total: 20, reason: "The server does not answer.", cure: "Look after it." } });
        return HttpResponse.json(index, { status: 202 });
      }),
      http.delete("*/api/knowledge/k1/reindex", () => {
        index = anIndex();
        return HttpResponse.json(index);
      }),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("tab", { name: "Index" }));
    expect(await screen.findByText("18 of 20 passages")).toBeInTheDocument();
    expect(screen.getByText(/2 passages are not in English/)).toBeInTheDocument();
    const use = screen.getByRole("button", { name: "Use this model" });
    expect(use).toBeDisabled();
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Embedding model" }), "BGE M3");
    await userEvent.click(use);
    expect(await screen.findByRole("alert")).toHaveTextContent("The model was not changed. The server is away. Start it.");
    await userEvent.click(use);
    const build = await screen.findByRole("region", { name: "Building an index with BGE M3" });
    expect(within(build).getByRole("progressbar")).toHaveAttribute("aria-valuenow", "25");
    expect(build).toHaveTextContent("The build waits and goes on by itself.The server does not answer. Look after it.");
    expect(wanted).toEqual([{ model: "bge-m3" }, { model: "bge-m3" }]);
    await userEvent.click(within(build).getByRole("button", { name: "Stop" }));
    await waitFor(() => expect(screen.queryByRole("region", { name: "Building an index with BGE M3" })).not.toBeInTheDocument());
  });

  it("reads the documents again and says how far it is", async () => {
    let index = anIndex({ foreign: 0 });
    server.use(
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase({ indexing: { state: "renewing", done: 1, total: 4 } }))),
      http.get("*/api/documents", () => HttpResponse.json({ items: [aDocument({ renewal: { state: "waiting" } })], next: "" })),
      http.get("*/api/knowledge/k1/index", () => HttpResponse.json(index)),
      http.post("*/api/knowledge/k1/reindex", () => {
        index = anIndex({ foreign: 0, renewals: { done: 1, total: 4, failed: 1 } });
        return HttpResponse.json(index, { status: 202 });
      }),
    );
    show(<BasePage />, base);
    expect((await screen.findAllByText("Indexing again 25%")).length).toBeGreaterThan(0);
    expect((await screen.findAllByText("Indexing again")).length).toBeGreaterThan(0);
    await userEvent.click(screen.getByRole("tab", { name: "Index" }));
    await userEvent.click(await screen.findByRole("button", { name: "Index again" }));
    const renewing = await screen.findByRole("region", { name: "Reading the documents again" });
    expect(renewing).toHaveTextContent("1 of 4 documents");
    expect(screen.getByText(/1 document could not be read again/)).toBeInTheDocument();
  });

  it("is not shown to who may only read", async () => {
    server.use(
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase({ right: "read", manages: false }))),
      http.get("*/api/documents", documents),
    );
    show(<BasePage />, base);
    await screen.findByRole("tab", { name: "Retrieval test" });
    expect(screen.queryByRole("tab", { name: "Index" })).not.toBeInTheDocument();
  });
});

describe("the retrieval test of who may edit", () => {
  it("shows both ranks and says why a document is not found", async () => {
    const asked: unknown[] = [];
    server.use(
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase())),
      http.get("*/api/documents", documents),
      http.post("*/api/explain", async ({ request }) => {
        const body = (await request.json()) as { document?: string };
        asked.push(body);
        const explanation: Schema<"Explanation"> = {
          language: "en", words: ["engine", "motor"], floor: 0.4, notes: [],
          bases: [{ knowledge: "k1", name: "Energy centre", model: "built-in", compared: true, near: 0.46 }],
          passages: [aRanked()],
        };
        if (body.document) {
          explanation.expected = {
            document: aDocument(),
            reasons: [{ code: "beyond-cut", sentence: "The document is found at rank 31.", cure: "Ask more exactly." }],
            passages: [aRanked({ chunk: 9, rank: 31, wordRank: 0, answers: false })],
          };
        }
        return HttpResponse.json(explanation);
      }),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("tab", { name: "Retrieval test" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Question" }), "engine motor{Enter}");
    expect(await screen.findByText(/1 passage, best first/)).toHaveTextContent("compared by built-in");
    const result = screen.getByRole("listitem");
    for (const text of ["rank 2", "rank 1", "50%", "0.61", "Holds engine", "lacks motor", "Enough for an answer"]) expect(result).toHaveTextContent(text);
    const why = screen.getByRole("region", { name: "Why was it not found?" });
    await userEvent.selectOptions(within(why).getByRole("combobox", { name: "Document" }), "Engine test handbook");
    await userEvent.type(within(why).getByRole("textbox", { name: "Words of the passage (optional)" }), "nine minutes");
    await userEvent.click(within(why).getByRole("button", { name: "Explain" }));
    expect(await screen.findByText(/The document is found at rank 31/)).toHaveTextContent("Ask more exactly.");
    expect(asked[1]).toMatchObject({ question: "engine motor", knowledge: ["k1"], document: "d1", phrase: "nine minutes" });
  });
});
