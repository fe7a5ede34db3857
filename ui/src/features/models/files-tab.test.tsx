import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { aProblem } from "@/test/documents";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ModelsPage } from "./models-page";

const ollama = { id: "s1", name: "Ward box", kind: "ollama", flavour: "ollama", version: "0.12.3", url: "http://10.1.2.3:11434", hasToken: false, hasCa: false, slots: 4, slotsSet: 0, enabled: true, state: "ok", latencyMs: 12, models: 2, working: 1, waiting: 0, warnings: [], createdAt: "2026-11-20T08:00:00Z" };
const aJob = (change: Partial<Schema<"Job">>) => ({ id: "j1", kind: "model.import", owner: "", workspace: "", state: "running", attempt: 1, attempts: 3, progress: { done: 0, total: 0, note: "" }, runAt: "2026-11-20T08:00:00Z", createdAt: "2026-11-20T08:00:00Z", ...change });

let folder: string;
let files: Schema<"ModelFile">[];
let servers: unknown[];

beforeEach(() => {
  folder = "/var/lib/chatets/models";
  files = [{ name: "Llama-3.1 8B.gguf", size: 4_920_000_000, changedAt: "2026-11-20T08:00:00Z" }];
  servers = [ollama];
  server.use(
    http.get("*/api/servers", () => HttpResponse.json({ items: servers })),
    http.get("*/api/servers/detected", () => HttpResponse.json({ items: [] })),
    http.get("*/api/models/files", () => HttpResponse.json({ folder, items: files })),
  );
});

async function open() {
  const view = show(<ModelsPage />);
  await userEvent.click(await screen.findByRole("tab", { name: "Model files" }));
  return view;
}

const upload = async (name: string) => {
  await screen.findByRole("button", { name: "Upload a model file" });
  await userEvent.upload(document.querySelector("input[type=file]") as HTMLInputElement, new File(["GGUF and more"], name));
};

describe("the model files", () => {
  it("are listed with their size and the folder they are in", async () => {
    await open();
    const row = await screen.findByRole("row", { name: /Llama-3.1 8B.gguf/ });
    expect(row).toHaveTextContent("4.9 GB");
    expect(row).toHaveTextContent("20 Nov 2026");
    expect(screen.getByText(/GGUF files in \/var\/lib\/chatets\/models on this server/)).toBeInTheDocument();
  });

  it("are none at first; without a folder nothing is taken", async () => {
    files = [];
    const { unmount } = await open();
    expect(await screen.findByText("No model file yet")).toBeInTheDocument();
    unmount();
    folder = "";
    await open();
    expect(await screen.findByText(/No folder for model files is configured/)).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Upload a model file" })).not.toBeInTheDocument();
  });

  it("are uploaded while another tab is looked at, and a refusal names the cause", async () => {
    const taken: string[] = [];
    let go: (() => void) | undefined;
    server.use(
      http.put("*/api/models/files/:name", async ({ request, params }) => {
        taken.push(`${String(params["name"])} ${request.headers.get("Content-Type")} ${await request.text()}`);
        if (taken.length === 1) return aProblem(415, "This is no GGUF file.", { cure: "Bring the file again.", request: "q-7" });
        await new Promise<void>((resolve) => (go = resolve));
        files = [...files, { name: "b c.gguf", size: 13, changedAt: "2026-11-20T08:00:00Z" }];
        return HttpResponse.json(files[1], { status: 201 });
      }),
    );
    await open();
    await upload("a.gguf");
    expect(await screen.findByRole("alert")).toHaveTextContent("a.gguf was not uploaded. This is no GGUF file. Bring the file again.Request q-7");
    await upload("b c.gguf");
    expect(await screen.findByRole("progressbar", { name: "Uploading b c.gguf" })).toBeInTheDocument();
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Upload a model file" })).toBeDisabled();
    await userEvent.click(screen.getByRole("tab", { name: /^Servers/ }));
    await userEvent.click(screen.getByRole("tab", { name: "Model files" }));
    expect(await screen.findByRole("progressbar", { name: "Uploading b c.gguf" })).toBeInTheDocument();
    await waitFor(() => expect(go).toBeDefined());
    go?.();
    expect(await screen.findByText("b c.gguf was uploaded")).toBeInTheDocument();
    expect(await screen.findByRole("row", { name: /b c.gguf/ })).toBeInTheDocument();
    expect(screen.queryByRole("progressbar")).not.toBeInTheDocument();
    expect(taken).toEqual(["a.gguf application/octet-stream GGUF and more", "b c.gguf application/octet-stream GGUF and more"]);
  });

  it("are no longer uploaded when they are stopped", async () => {
    server.use(http.put("*/api/models/files/:name", () => new Promise<Response>(() => undefined)));
    await open();
    await upload("a.gguf");
    await userEvent.click(await screen.findByRole("button", { name: "Stop" }));
    await waitFor(() => expect(screen.queryByRole("progressbar")).not.toBeInTheDocument());
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Upload a model file" })).toBeEnabled();
  });

  it("are deleted after asking", async () => {
    const deleted: string[] = [];
    server.use(
      http.delete("*/api/models/files/:name", ({ params }) => {
        deleted.push(String(params["name"]));
        files = [];
        return new HttpResponse(null, { status: 204 });
      }),
    );
    await open();
    await userEvent.click(await screen.findByRole("button", { name: "Delete: Llama-3.1 8B.gguf" }));
    const dialog = await screen.findByRole("dialog", { name: "Delete Llama-3.1 8B.gguf?" });
    expect(within(dialog).getByRole("button", { name: "Keep it" })).toHaveFocus();
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete the file" }));
    expect(await screen.findByText("Llama-3.1 8B.gguf was deleted")).toBeInTheDocument();
    expect(await screen.findByText("No model file yet")).toBeInTheDocument();
    expect(deleted).toEqual(["Llama-3.1 8B.gguf"]);
  });
});

describe("the import of a file", () => {
  const begin = async () => {
    await open();
    await userEvent.click(await screen.findByRole("button", { name: "Import: Llama-3.1 8B.gguf" }));
    return screen.findByRole("dialog", { name: "Import Llama-3.1 8B.gguf" });
  };
  const start = (dialog: HTMLElement) => userEvent.click(within(dialog).getByRole("button", { name: "Import" }));

  it("shows what is refused beside the name, then how far it is, to the end", async () => {
    const sent: unknown[] = [];
    const states = [aJob({ progress: { done: 1_000_000_000, total: 4_000_000_000, note: "sending the file" } }), aJob({ error: "The connection broke.", progress: { done: 0, total: 0, note: "making the model: parsing GGUF" } }), aJob({ state: "done" })];
    server.use(
      http.post("*/api/servers/s1/import", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1 ? aProblem(422, "Wrong.", { errors: [{ field: "body.name", sentence: "A model is named like llama3.1:8b." }] }) : HttpResponse.json({ job: { id: "j1" } }, { status: 202 });
      }),
      http.get("*/api/jobs/j1", () => HttpResponse.json(states.length > 1 ? states.shift() : states[0])),
    );
    const dialog = await begin();
    const name = within(dialog).getByLabelText("Name of the model");
    expect(name).toHaveValue("llama-3.1-8b");
    await waitFor(() => expect(within(dialog).getByLabelText("Server")).toHaveValue("s1"));
    await userEvent.type(within(dialog).getByLabelText("Template"), "T");
    await start(dialog);
    await waitFor(() => expect(name).toHaveAccessibleDescription(/^A model is named like/));
    expect(name).toHaveFocus();
    await userEvent.clear(name);
    await userEvent.type(name, "ward{Enter}");
    const bar = await within(dialog).findByRole("progressbar", { name: "Importing ward" });
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuenow", "25"));
    expect(dialog).toHaveTextContent("1 GB of 4 GB");
    expect(within(dialog).getByRole("status")).toHaveTextContent("Sending the file");
    await waitFor(() => expect(within(dialog).getByRole("status")).toHaveTextContent("Making the model: parsing GGUF"));
    expect(dialog).toHaveTextContent("The connection broke.");
    expect(await within(dialog).findByText("ward can be used")).toBeInTheDocument();
    expect(within(dialog).queryByRole("progressbar")).not.toBeInTheDocument();
    expect(sent).toEqual([
      { file: "Llama-3.1 8B.gguf", name: "llama-3.1-8b", template: "T" },
      { file: "Llama-3.1 8B.gguf", name: "ward", template: "T" },
    ]);
  });

  it("says why it failed", async () => {
    server.use(
      http.post("*/api/servers/s1/import", () => HttpResponse.json({ job: { id: "j1" } }, { status: 202 })),
      http.get("*/api/jobs/j1", () => HttpResponse.json(aJob({ state: "failed", error: "The disk of the server is full." }))),
    );
    const dialog = await begin();
    await waitFor(() => expect(within(dialog).getByRole("button", { name: "Import" })).toBeEnabled());
    await start(dialog);
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The disk of the server is full.");
    expect(within(dialog).queryByRole("button", { name: "Stop" })).not.toBeInTheDocument();
  });

  it("is stopped, once, and says so", async () => {
    let state: Schema<"Job">["state"] = "running";
    let asked = 0;
    server.use(
      http.post("*/api/servers/s1/import", () => HttpResponse.json({ job: { id: "j1" } }, { status: 202 })),
      http.get("*/api/jobs/j1", () => HttpResponse.json(aJob({ state }))),
      http.post("*/api/jobs/j1/cancel", () => {
        asked += 1;
        state = "cancelled";
        return new HttpResponse(null, { status: 204 });
      }),
    );
    const dialog = await begin();
    await waitFor(() => expect(within(dialog).getByRole("button", { name: "Import" })).toBeEnabled());
    await start(dialog);
    await userEvent.dblClick(await within(dialog).findByRole("button", { name: "Stop" }));
    expect(await within(dialog).findByText("The import of llama-3.1-8b was stopped.")).toBeInTheDocument();
    expect(within(dialog).queryByRole("button", { name: "Stop" })).not.toBeInTheDocument();
    expect(asked).toBe(1);
  });

  it("has nowhere to go without an Ollama", async () => {
    servers = [{ ...ollama, kind: "openai" }, { ...ollama, id: "s2", enabled: false }];
    const dialog = await begin();
    expect(await within(dialog).findByText(/No Ollama server is connected/)).toBeInTheDocument();
  });
});
