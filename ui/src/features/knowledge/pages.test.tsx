import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { afterEach, describe, expect, it } from "vitest";
import { aBase, aDocument, aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { BasePage } from "./base-page";
import { DocumentPage } from "./document-page";
import { KnowledgePage } from "./knowledge-page";
import { uploads } from "./uploads";

const page = <T,>(...items: T[]) => HttpResponse.json({ items, next: "" });

describe("the list of knowledge bases", () => {
  it("shows who owns them, what they hold and how far they are", async () => {
    server.use(
      http.get("*/api/knowledge", () =>
        page(aBase({ documents: 1_204, working: 2 }), aBase({ id: "k2", name: "Formulary", right: "read", manages: false, owner: "x", ownerName: "Ana Ruiz" }), aBase({ id: "k3", name: "Bare", documents: 0 })),
      ),
    );
    show(<KnowledgePage />);
    const [, first, second, third] = await screen.findAllByRole("row");
    expect(first).toHaveTextContent("Energy centre");
    expect(first).toHaveTextContent("Reading 2 documents");
    expect(first).toHaveTextContent("1,204");
    expect(first).toHaveTextContent("18.4 MB");
    expect(second).toHaveTextContent("Ana Ruiz");
    expect(second).toHaveTextContent("May read");
    expect(within(second as HTMLElement).queryByRole("button")).not.toBeInTheDocument();
    expect(third).toHaveTextContent("Empty");
    expect(screen.getByRole("link", { name: "Formulary" })).toHaveAttribute("href", "/knowledge/k2");
  });

  it("is empty with one thing to do, and makes the first base", async () => {
    const made: unknown[] = [];
    server.use(
      http.get("*/api/knowledge", () => page()),
      http.post("*/api/knowledge", async ({ request }) => {
        made.push(await request.json());
        return made.length === 1
          ? aProblem(422, "The name is taken.", { errors: [{ field: "body.name", sentence: "This name is taken." }] })
          : HttpResponse.json(aBase(), { status: 201 });
      }),
    );
    const { router } = show(<KnowledgePage />);
    expect(await screen.findByText("No knowledge yet")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "New knowledge base" }));
    const name = await screen.findByRole("textbox", { name: "Name" });
    expect(screen.getByRole("button", { name: "Create" })).toBeDisabled();
    await userEvent.type(name, " Energy centre {Enter}");
    expect(await screen.findByText("This name is taken.")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/knowledge/k1"));
    expect(made).toEqual([{ name: "Energy centre" }, { name: "Energy centre" }]);
  });

  it("says why it did not load and loads again", async () => {
    let broken = true;
    server.use(http.get("*/api/knowledge", () => (broken ? aProblem(500, "The disk failed.", { cure: "Check the disk.", request: "q-9" }) : page(aBase()))));
    show(<KnowledgePage />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The knowledge bases did not load. The disk failed. Check the disk.Request q-9");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "Energy centre" })).toBeInTheDocument();
  });

  it("asks with the count before it deletes", async () => {
    const deleted: string[] = [];
    server.use(
      http.get("*/api/knowledge", () => page(aBase({ documents: 51 }))),
      http.delete("*/api/knowledge/:id", ({ params }) => {
        deleted.push(String(params["id"]));
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(<KnowledgePage />);
    await userEvent.click(await screen.findByRole("button", { name: "More for Energy centre" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete Energy centre?" });
    expect(dialog).toHaveTextContent("51 documents go for good");
    expect(within(dialog).getByRole("button", { name: "Keep it" })).toHaveFocus();
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete 51 documents" }));
    expect(await screen.findByText("Energy centre was deleted")).toBeInTheDocument();
    expect(deleted).toEqual(["k1"]);
  });
});

const base = { path: "/knowledge/$knowledge", at: "/knowledge/k1" };

function serveBase(documents: ReturnType<typeof aDocument>[], change: Parameters<typeof aBase>[0] = {}) {
  server.use(
    http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase({ documents: documents.length, ...change }))),
    http.get("*/api/knowledge/k1/access", () => HttpResponse.json({ entries: [] })),
    http.get("*/api/knowledge/k1/outline", () => HttpResponse.json({ folders: [], tags: [], types: [] })),
    http.get("*/api/documents", ({ request }) => {
      const q = new URL(request.url).searchParams.get("q")?.toLowerCase() ?? "";
      return page(...documents.filter((document) => document.title.toLowerCase().includes(q)));
    }),
  );
}

describe("a knowledge base", () => {
  afterEach(() => uploads.clear("k1"));

  it("shows each document's state, and for a failed one the reason, the cure and a way on", async () => {
    const retried: string[] = [];
    serveBase([
      aDocument(),
      aDocument({ id: "d2", title: "Manual", state: "embedding", progress: { done: 62, total: 100, note: "" } }),
      aDocument({ id: "d3", title: "Queue", state: "waiting", chunks: 0 }),
      aDocument({ id: "d4", title: "Contract", state: "failed", chunks: 0, reason: "It holds NUL bytes.", cure: "Save it as text." }),
    ]);
    server.use(
      http.post("*/api/documents/:id/retry", ({ params }) => {
        retried.push(String(params["id"]));
        return HttpResponse.json(aDocument(), { status: 202 });
      }),
    );
    show(<BasePage />, base);
    const rows = await screen.findAllByRole("row");
    expect(rows[1]).toHaveTextContent("Ready");
    expect(rows[1]).toHaveTextContent("846");
    expect(rows[2]).toHaveTextContent("Embedding, 62%");
    expect(rows[3]).toHaveTextContent("Waiting");
    expect(rows[4]).toHaveTextContent("Failed");
    expect(rows[4]).toHaveTextContent("It holds NUL bytes. Save it as text.");
    await userEvent.click(within(rows[4] as HTMLElement).getAllByRole("button", { name: "Try again" })[0] as HTMLElement);
    await waitFor(() => expect(retried).toEqual(["d4"]));
  });

  it("finds documents by name and says when none has it", async () => {
    serveBase([aDocument(), aDocument({ id: "d2", title: "Chiller contract" })]);
    show(<BasePage />, base);
    await screen.findByRole("link", { name: "Chiller contract" });
    const box = screen.getByRole("searchbox", { name: "Find a document" });
    await userEvent.type(box, "chill");
    await waitFor(() => expect(screen.queryByRole("link", { name: "Engine test handbook" })).not.toBeInTheDocument());
    await userEvent.type(box, "xyz");
    await userEvent.click(await screen.findByRole("button", { name: "Clear the search" }));
    expect(await screen.findByRole("link", { name: "Engine test handbook" })).toBeInTheDocument();
  });

  it("is empty with one thing to do; a reader is only told", async () => {
    serveBase([]);
    const first = show(<BasePage />, base);
    expect(await screen.findByText("No documents yet")).toBeInTheDocument();
    expect(screen.getAllByRole("button", { name: "Upload" })).toHaveLength(1);
    first.unmount();
    serveBase([], { right: "read", manages: false });
    show(<BasePage />, base);
    expect(await screen.findByText("Nobody has put a document in this base yet.")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Upload" })).not.toBeInTheDocument();
    expect(screen.queryByRole("tab", { name: "Access" })).not.toBeInTheDocument();
  });

  it("lets an editor upload and rename, but neither share nor delete", async () => {
    serveBase([], { right: "edit", manages: false });
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("button", { name: "More for Energy centre" }));
    expect(await screen.findByRole("menuitem", { name: "Rename" })).toBeInTheDocument();
    expect(screen.queryByRole("menuitem", { name: /Delete/ })).not.toBeInTheDocument();
    expect(screen.queryByRole("tab", { name: "Access" })).not.toBeInTheDocument();
  });

  it("uploads what is chosen, refuses the bad with a sentence and loses nothing of the rest", async () => {
    serveBase([aDocument()]);
    const taken: string[] = [];
    server.use(
      http.post("*/api/documents", async ({ request }) => {
        const query = new URL(request.url).searchParams;
        const name = query.get("name") ?? "";
        if (name.endsWith(".exe")) return aProblem(422, "This kind of file cannot be read.", { cure: "Upload text or Markdown.", request: "q-7" });
        taken.push(`${query.get("knowledge")} ${name} ${await request.text()} ${request.headers.get("Content-Type")}`);
        return HttpResponse.json(aDocument({ state: "waiting" }), { status: 202 });
      }),
    );
    show(<BasePage />, base);
    await screen.findByRole("link", { name: "Engine test handbook" });
    const chooser = document.querySelector("input[type=file]");
    // Whoever asks the chooser for all files is not held back by the page.
    await userEvent.setup({ applyAccept: false }).upload(chooser as HTMLInputElement, [new File(["one"], "a ü.md"), new File([""], "empty.md"), new File(["MZ"], "tool.exe"), new File(["two"], "b.txt")]);
    const card = await screen.findByRole("region", { name: "Uploads" });
    expect(await within(card).findByText("2 files were not uploaded")).toBeInTheDocument();
    expect(card).toHaveTextContent("empty.mdThe file is empty. Open it in its own program and save it again, or leave it out.");
    expect(card).toHaveTextContent("tool.exeThis kind of file cannot be read. Upload text or Markdown. Request q-7");
    expect(taken.sort()).toEqual(["k1 a ü.md one application/octet-stream", "k1 b.txt two application/octet-stream"]);
    expect(await screen.findByText("2 files uploaded")).toBeInTheDocument();
    await userEvent.click(within(card).getByRole("button", { name: "Remove tool.exe from the list" }));
    await userEvent.click(within(card).getByRole("button", { name: "Clear" }));
    expect(screen.queryByRole("region", { name: "Uploads" })).not.toBeInTheDocument();
  });

  it("says when the connection broke during an upload, and sends it again", async () => {
    serveBase([aDocument()]);
    let broken = true;
    server.use(http.post("*/api/documents", () => (broken ? HttpResponse.error() : HttpResponse.json(aDocument(), { status: 202 }))));
    show(<BasePage />, base);
    await screen.findByRole("link", { name: "Engine test handbook" });
    await userEvent.upload(document.querySelector("input[type=file]") as HTMLInputElement, new File(["one"], "a.md"));
    expect(await screen.findByText(/The connection broke during the upload/)).toBeInTheDocument();
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Upload a.md again" }));
    expect(await screen.findByText("1 file uploaded")).toBeInTheDocument();
  });

  it("takes files that are dropped anywhere on the page", async () => {
    serveBase([aDocument()]);
    const taken: string[] = [];
    server.use(
      http.post("*/api/documents", ({ request }) => {
        taken.push(new URL(request.url).searchParams.get("name") ?? "");
        return HttpResponse.json(aDocument(), { status: 202 });
      }),
    );
    show(<BasePage />, base);
    await screen.findByRole("link", { name: "Engine test handbook" });
    const file = new File(["x"], "dropped.md");
    const dataTransfer = { types: ["Files"], files: [file], items: [], dropEffect: "none" };
    fireEvent.dragEnter(document.body, { dataTransfer });
    expect(screen.getByText("Drop the files to add them to Energy centre")).toBeInTheDocument();
    fireEvent.dragLeave(document.body, { dataTransfer });
    expect(screen.queryByText(/Drop the files/)).not.toBeInTheDocument();
    fireEvent.dragEnter(document.body, { dataTransfer });
    fireEvent.drop(document.body, { dataTransfer });
    expect(screen.queryByText(/Drop the files/)).not.toBeInTheDocument();
    await waitFor(() => expect(taken).toEqual(["dropped.md"]));
  });

  it("deletes a document after asking", async () => {
    const deleted: string[] = [];
    serveBase([aDocument()]);
    server.use(
      http.delete("*/api/documents/:id", ({ params }) => {
        deleted.push(String(params["id"]));
        return deleted.length === 1 ? aProblem(500, "Not now.") : new HttpResponse(null, { status: 204 });
      }),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("button", { name: "More for Engine test handbook" }));
    expect(await screen.findByRole("menuitem", { name: "Download the original" })).toHaveAttribute("href", "/api/documents/d1/file");
    await userEvent.click(screen.getByRole("menuitem", { name: "Delete" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete Engine test handbook?" });
    expect(dialog).toHaveTextContent("846 passages");
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete the document" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Not now.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete the document" }));
    expect(await screen.findByText("Engine test handbook was deleted")).toBeInTheDocument();
  });

  it("tests what is found, best first", async () => {
    serveBase([aDocument()]);
    const asked: unknown[] = [];
    server.use(
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase({ right: "read", manages: false }))),
      http.post("*/api/search", async ({ request }) => {
        asked.push(await request.json());
        if (asked.length === 2) return page();
        const passage = { chunk: 1, document: { id: "d1", title: "Handbook" }, knowledge: "k1", page: 0, heading: "Efficiency", start: 5, end: 25, text: "Brake thermal efficiency", score: 9.14, coverage: 0.75 };
        return page(passage, { ...passage, chunk: 2, score: 3, coverage: 0.5, text: "Second" });
      }),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("tab", { name: "Retrieval test" }));
    expect(await screen.findByText("Nothing asked yet")).toBeInTheDocument();
    await userEvent.type(screen.getByRole("textbox", { name: "Question" }), "How efficient?{Enter}");
    const list = await screen.findByRole("region", { name: "2 passages, best first" });
    const items = within(list).getAllByRole("listitem");
    expect(items[0]).toHaveTextContent("Brake thermal efficiency");
    expect(items[0]).toHaveTextContent("Score9.1Words found75%");
    expect(within(items[0] as HTMLElement).getByRole("link", { name: "Handbook" })).toHaveAttribute("href", "/documents/d1?from=5&to=25");
    expect(asked[0]).toEqual({ question: "How efficient?", knowledge: ["k1"], limit: 20 });
    await userEvent.type(screen.getByRole("textbox", { name: "Question" }), " Really?{Enter}");
    expect(await screen.findByText("Nothing was found.")).toBeInTheDocument();
  });

  it("gives and takes access", async () => {
    serveBase([aDocument()]);
    let entries: Record<string, string>[] = [{ group: "g1", right: "read", name: "Pharmacy" }];
    const put: unknown[] = [];
    server.use(
      http.get("*/api/knowledge/k1/access", () => HttpResponse.json({ entries })),
      http.put("*/api/knowledge/k1/access", async ({ request }) => {
        const body = (await request.json()) as { entries: Record<string, string>[] };
        put.push(body.entries);
        entries = body.entries.map((entry) => ({ ...entry, name: entry["person"] ? "Ana Ruiz" : "Pharmacy" }));
        return HttpResponse.json({ entries });
      }),
      http.get("*/api/people", ({ request }) =>
        page(...[{ id: "p2", name: "Ana Ruiz", email: "ana@x.lan" }, { id: "p3", name: "Tom Berg", email: "tom@x.lan" }].filter((person) => person.name.toLowerCase().includes(new URL(request.url).searchParams.get("q")?.toLowerCase() ?? ""))),
      ),
      http.get("*/api/groups", () => page({ id: "g1", name: "Pharmacy", members: 6 })),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("tab", { name: "Access" }));
    expect(await screen.findByText("Owner, may do everything")).toBeInTheDocument();
    const box = screen.getByRole("combobox", { name: "Add people or groups" });
    await userEvent.type(box, "ana");
    const names = () => within(screen.getByRole("listbox", { name: "Add people or groups" })).getAllByRole("option").map((option) => option.textContent);
    await waitFor(() => expect(names()).toEqual(["ARAna Ruizana@x.lan"]));
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByText("Ana Ruiz has access")).toBeInTheDocument();
    await userEvent.selectOptions(await screen.findByRole("combobox", { name: "What Ana Ruiz may do" }), "May edit");
    expect(await screen.findByText("Access of Ana Ruiz changed")).toBeInTheDocument();
    await waitFor(() => expect(screen.getByRole("button", { name: "Take access from Pharmacy" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Take access from Pharmacy" }));
    expect(await screen.findByText("Pharmacy has no access any more")).toBeInTheDocument();
    expect(put).toEqual([
      [{ group: "g1", right: "read" }, { person: "p2", right: "read" }],
      [{ group: "g1", right: "read" }, { person: "p2", right: "edit" }],
      [{ person: "p2", right: "edit" }],
    ]);
  });

  it("says that it is gone", async () => {
    server.use(http.get("*/api/knowledge/k1", () => aProblem(404, "There is no such knowledge base.")));
    show(<BasePage />, base);
    expect(await screen.findByText("This knowledge base is not here.")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "All knowledge bases" })).toHaveAttribute("href", "/knowledge");
  });
});

describe("a document", () => {
  const at = (search = "") => ({ path: "/documents/$document", at: `/documents/d1${search}` });

  it("opens at the passage of its address and offers the original", async () => {
    server.use(
      http.get("*/api/documents/d1", () => HttpResponse.json(aDocument())),
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase())),
      http.get("*/api/documents/d1/content", () =>
        HttpResponse.json({ document: aDocument(), blocks: [{ kind: "heading", level: 1, page: 0, text: "Title", start: 0, end: 5 }, { kind: "paragraph", level: 0, page: 0, text: "Some words here", start: 6, end: 21 }], next: null }),
      ),
    );
    show(<DocumentPage />, at("?from=11&to=16&n=4"));
    expect(await screen.findByText("words")).toHaveProperty("tagName", "MARK");
    expect(screen.getByText("Passage 4")).toBeInTheDocument();
    expect(screen.getByRole("heading", { name: "Engine test handbook", level: 1 })).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "Download the original" })).toHaveAttribute("href", "/api/documents/d1/file");
    expect(await screen.findByRole("link", { name: "Energy centre" })).toHaveAttribute("href", "/knowledge/k1");
  });

  it("says why it failed", async () => {
    server.use(
      http.get("*/api/documents/d1", () => HttpResponse.json(aDocument({ state: "failed", chunks: 0, reason: "It is not text.", cure: "Save it as text." }))),
      http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase())),
      http.get("*/api/documents/d1/content", () => HttpResponse.json({ document: aDocument({ state: "failed" }), blocks: [], next: null })),
    );
    show(<DocumentPage />, at());
    expect(await screen.findByRole("alert")).toHaveTextContent("It is not text. Save it as text.");
    expect(await screen.findByRole("button", { name: "Try again" })).toBeInTheDocument();
  });

  it("says that it is gone", async () => {
    server.use(http.get("*/api/documents/d1", () => aProblem(404, "No.")), http.get("*/api/documents/d1/content", () => aProblem(404, "No.")));
    show(<DocumentPage />, at());
    expect(await screen.findByText("This document is not here.")).toBeInTheDocument();
  });
});
