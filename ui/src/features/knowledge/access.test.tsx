import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { aBase, aDocument, aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { BasePage } from "./base-page";
import { folderOf } from "./dropped";

const page = <T,>(...items: T[]) => HttpResponse.json({ items, next: "" });
const base = { path: "/knowledge/$knowledge", at: "/knowledge/k1" };
const people = [{ id: "p2", name: "Ana Ruiz", email: "ana@x.lan" }, { id: "p3", name: "Tom Berg", email: "tom@x.lan" }];

function serve(documents: Schema<"Document">[], asked: URLSearchParams[] = []) {
  server.use(
    http.get("*/api/knowledge/k1", () => HttpResponse.json(aBase())),
    http.get("*/api/knowledge/k1/access", () => HttpResponse.json({ entries: [] })),
    http.get("*/api/knowledge/k1/outline", () =>
      HttpResponse.json({ folders: [{ name: "Ward/Night", documents: 3 }], tags: [{ name: "urgent", documents: 1 }], types: [{ name: "text/markdown", documents: 3 }, { name: "application/pdf", documents: 2 }] }),
    ),
    http.get("*/api/documents", ({ request }) => {
      const query = new URL(request.url).searchParams;
      asked.push(query);
      return query.get("tag") ? page() : page(...documents);
    }),
    http.get("*/api/people", ({ request }) => page(...people.filter(({ name }) => name.toLowerCase().includes(new URL(request.url).searchParams.get("q")?.toLowerCase() ?? "")))),
    http.get("*/api/groups", () => page({ id: "g1", name: "Pharmacy", members: 6 })),
  );
}

describe("the rules of a document", () => {
  it("keeps people out, restricts to some, and says why", async () => {
    serve([aDocument({ title: "Duty plan" })]);
    let rules = { restricted: false, entries: [] as Record<string, string>[] };
    const put: unknown[] = [];
    const body = () => ({
      ...rules,
      entries: rules.entries.map((entry) => ({ ...entry, name: entry["person"] ? "Ana Ruiz" : "Pharmacy" })),
      manages: true,
      right: "edit",
      owner: "o1",
      ownerName: "Miriam Okafor",
      knowledge: [{ person: "p2", right: "read", name: "Ana Ruiz" }, { group: "g1", right: "edit", name: "Pharmacy" }, { person: "p9", right: "deny", name: "Eve Out" }],
    });
    server.use(
      http.get("*/api/documents/d1/access", () => HttpResponse.json(body())),
      http.put("*/api/documents/d1/access", async ({ request }) => {
        rules = (await request.json()) as typeof rules;
        put.push(rules);
        return HttpResponse.json(body());
      }),
      http.get("*/api/documents/d1/access/p3", () => HttpResponse.json({ right: "none", by: "deny", document: true, group: "g1", groupName: "Pharmacy", sentence: "" })),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("button", { name: "More for Duty plan" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Access…" }));
    const dialog = await screen.findByRole("dialog", { name: "Access to Duty plan" });
    const inherited = await within(dialog).findByRole("list", { name: "From the knowledge base" });
    const standing = () => within(inherited).getAllByRole("listitem").map((item) => item.textContent);
    expect(standing()).toEqual(["MOMiriam OkaforOwns it", "ARAna RuizMay read", "PharmacyMay read and edit", "EOEve OutKept out by the knowledge base"]);

    await userEvent.type(within(dialog).getByRole("combobox", { name: "Keep people or groups out" }), "ana");
    await waitFor(() => expect(within(dialog).getAllByRole("option")).toHaveLength(1));
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByText("Ana Ruiz may not read it any more")).toBeInTheDocument();
    expect(standing()[1]).toBe("ARAna RuizKept out by a rule above");

    await userEvent.click(within(dialog).getByRole("radio", { name: "Only these people" }));
    await waitFor(() => expect(standing()[2]).toBe("PharmacyOnly who is allowed above"));
    await userEvent.selectOptions(await within(dialog).findByRole("combobox", { name: "Rule of Ana Ruiz" }), "May read");
    await waitFor(() => expect(standing()[1]).toBe("ARAna RuizMay read"));
    await waitFor(() => expect(within(dialog).getByRole("button", { name: "Take the rule of Ana Ruiz away" })).toBeEnabled());
    await userEvent.click(within(dialog).getByRole("radio", { name: "As the knowledge base" }));
    await waitFor(() => expect(put).toHaveLength(4));
    expect(put).toEqual([
      { restricted: false, entries: [{ person: "p2", right: "deny" }] },
      { restricted: true, entries: [{ person: "p2", right: "deny" }] },
      { restricted: true, entries: [{ person: "p2", right: "allow" }] },
      { restricted: false, entries: [] },
    ]);

    await userEvent.type(within(dialog).getByRole("combobox", { name: "Why may somebody read it, or not?" }), "tom");
    await userEvent.click(await within(dialog).findByRole("option", { name: /Tom Berg/ }));
    expect(await within(dialog).findByText("Tom Berg may not read it: a rule of the document keeps the group Pharmacy out.")).toBeInTheDocument();
  });

  it("says why a rule was not changed", async () => {
    serve([aDocument({ title: "Duty plan" })]);
    server.use(
      http.get("*/api/documents/d1/access", () => HttpResponse.json({ restricted: true, entries: [], manages: true, right: "edit", owner: "o1", ownerName: "Miriam Okafor", knowledge: [] })),
      http.put("*/api/documents/d1/access", () => aProblem(403, "Only who manages it may do this.", { cure: "Ask the owner." })),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("button", { name: "More for Duty plan" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Access…" }));
    expect(await screen.findByText(/Nobody is on the list, so nobody reads it/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole("radio", { name: "As the knowledge base" }));
    expect(await screen.findByText(/Only who manages it may do this/)).toBeInTheDocument();
  });

  it("lists what one manages and may not read without a way into it", async () => {
    serve([aDocument({ title: "Sealed letter", right: "none", manages: true, restricted: true })]);
    show(<BasePage />, base);
    expect(await screen.findByText("You manage it and may not read it")).toBeInTheDocument();
    expect(screen.queryByRole("link", { name: "Sealed letter" })).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "More for Sealed letter" }));
    expect((await screen.findAllByRole("menuitem")).map((item) => item.textContent)).toEqual(["Access…"]);
  });
});

describe("folders and tags", () => {
  it("narrow the list", async () => {
    const asked: URLSearchParams[] = [];
    serve([aDocument({ title: "Duty plan", folder: "Ward/Night", tags: ["urgent", "2026"] })], asked);
    show(<BasePage />, base);
    const row = (await screen.findByRole("link", { name: "Duty plan" })).closest("tr") as HTMLElement;
    expect(row).toHaveTextContent("Ward/Night");
    expect(row).toHaveTextContent("urgent");
    await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Folder" }), "Ward/Night (3)");
    await waitFor(() => expect(asked.at(-1)?.getAll("folder")).toEqual(["Ward/Night"]));
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Type" }), "PDF (2)");
    await waitFor(() => expect(asked.at(-1)?.get("type")).toBe("application/pdf"));
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Tags" }), "urgent (1)");
    expect(await screen.findByText("No document fits.")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Show all" }));
    expect(await screen.findByRole("link", { name: "Duty plan" })).toBeInTheDocument();
  });

  it("are changed, and what cannot be is told at its field", async () => {
    serve([aDocument({ title: "Duty plan", folder: "Ward", tags: ["old"] })]);
    const sent: unknown[] = [];
    server.use(
      http.patch("*/api/documents/d1", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1 ? aProblem(422, "No.", { errors: [{ field: "body.folder", sentence: "A folder cannot be named . or .." }] }) : HttpResponse.json(aDocument());
      }),
    );
    show(<BasePage />, base);
    await userEvent.click(await screen.findByRole("button", { name: "More for Duty plan" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Folder and tags…" }));
    const dialog = await screen.findByRole("dialog", { name: "Folder and tags of Duty plan" });
    const folder = within(dialog).getByRole("combobox", { name: "Folder" });
    await userEvent.clear(folder);
    await userEvent.type(folder, "../x");
    const tags = within(dialog).getByRole("textbox", { name: "Tags" });
    await userEvent.type(tags, ", urgent ,");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("A folder cannot be named . or ..")).toBeInTheDocument();
    await userEvent.clear(folder);
    await userEvent.type(folder, "Ward/Night{Enter}");
    expect(await screen.findByText("Duty plan was changed")).toBeInTheDocument();
    expect(sent).toEqual([{ folder: "../x", tags: ["old", "urgent"] }, { folder: "Ward/Night", tags: ["old", "urgent"] }]);
  });

  it("come from the folder that a file was chosen in", () => {
    const file = new File(["x"], "plan.md");
    expect(folderOf(file)).toBe("");
    Object.defineProperty(file, "webkitRelativePath", { value: "Ward/Night/plan.md" });
    expect(folderOf(file)).toBe("Ward/Night");
  });
});
