import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { aModel } from "@/test/answers";
import { aProblem } from "@/test/documents";
import { aPerson, aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ModelsPage } from "./models-page";
import type { Model, Server } from "./queries";

type Managed = Schema<"Managed">;

function aServer(change: Partial<Server> = {}): Server {
  return {
    id: "s1",
    name: "Ward box",
    kind: "ollama",
    flavour: "ollama",
    version: "0.12.3",
    url: "http://10.1.2.3:11434",
    hasToken: false,
    hasCa: false,
    slots: 4,
    slotsSet: 0,
    enabled: true,
    state: "ok",
    latencyMs: 12,
    models: 2,
    working: 1,
    waiting: 0,
    warnings: [],
    createdAt: "2026-11-20T08:00:00Z",
    ...change,
  };
}

const place = { id: "s1", name: "Ward box", model: "mistral-small:latest", kind: "ollama" as const, loaded: true, context: 32_768, most: 131_072, size: 14_000_000_000, digest: "abc", gone: false };

function managed(name: string, change: Partial<Model> = {}, manage: Partial<Managed> = {}): Model {
  return aModel(name, { id: name, ...change, manage: { enabled: true, everyone: true, access: [], context: 0, servers: [place], ...manage } });
}

let servers: Server[];
let detected: Schema<"Detected">[];
let models: Model[];
let files: Schema<"ModelFile">[];
/** What was sent, as "METHOD path" with its body. */
let sent: [string, unknown][];

const none = () => new HttpResponse(null, { status: 204 });

/** Takes a request down, and answers it. */
function takes(method: "post" | "patch" | "delete", path: string, answer: (body: unknown) => Response | Promise<Response>) {
  server.use(
    http[method](`*${path}`, async ({ request }) => {
      const text = await request.text();
      const body: unknown = text ? JSON.parse(text) : undefined;
      const { pathname, search } = new URL(request.url);
      sent.push([`${request.method} ${pathname}${search}`, body]);
      return answer(body);
    }),
  );
}

beforeEach(() => {
  servers = [aServer()];
  detected = [];
  models = [];
  files = [];
  sent = [];
  server.use(
    http.get("*/api/servers", () => HttpResponse.json({ items: servers })),
    http.get("*/api/servers/detected", () => HttpResponse.json({ items: detected })),
    http.get("*/api/models", ({ request }) => HttpResponse.json({ items: new URL(request.url).searchParams.get("all") === "true" ? models : [], generation: "ready" })),
    http.get("*/api/models/files", () => HttpResponse.json({ folder: "/var/lib/chatets/models", items: files })),
    http.delete("*/api/servers/test/:key", none),
  );
});

const card = async (name: string) => (await screen.findByRole("heading", { level: 2, name })).closest("li") as HTMLElement;
const row = (name: RegExp) => screen.findByRole("row", { name });

async function choose(of: string, item: string) {
  await userEvent.click(await screen.findByRole("button", { name: `Actions for ${of}` }));
  await userEvent.click(await screen.findByRole("menuitem", { name: item }));
}

async function tab(name: RegExp) {
  show(<ModelsPage />);
  await userEvent.click(await screen.findByRole("tab", { name }));
}

describe("the servers", () => {
  it("are listed with their state, why and cure, warnings and load", async () => {
    servers = [
      aServer({ waiting: 3, warnings: ["Two models do not fit into its memory together."] }),
      aServer({ id: "s2", name: "Cellar", flavour: "vllm", version: "", state: "down", since: new Date(Date.now() - 3 * 3_600_000).toISOString(), why: "It refuses the connection.", cure: "Start vLLM on it.", models: 1 }),
      aServer({ id: "s3", name: "Attic", enabled: false, state: "down", why: "Not to be read.", warnings: ["Not this either."] }),
      aServer({ id: "s4", name: "Loft", state: "busy", since: new Date().toISOString() }),
      aServer({ id: "s5", name: "New", state: "unknown", flavour: "" }),
    ];
    show(<ModelsPage />);
    const running = await card("Ward box");
    expect(running).toHaveTextContent("Running");
    expect(running).toHaveTextContent("http://10.1.2.3:11434");
    expect(running).toHaveTextContent("Ollama 0.12.3 · 2 models · 1 of 4 slots in use · 3 questions wait · answers in 12 ms");
    expect(running).toHaveTextContent("Two models do not fit into its memory together.");
    const down = await card("Cellar");
    expect(down).toHaveTextContent(/Not reachable for 3\sh/);
    expect(within(down).getByRole("alert")).toHaveTextContent("It refuses the connection. Start vLLM on it.");
    expect(down).not.toHaveTextContent("slots in use");
    const off = await card("Attic");
    expect(off).toHaveTextContent("Turned off");
    expect(off).not.toHaveTextContent("Not ");
    expect(await card("Loft")).toHaveTextContent("Busy");
    expect(await card("New")).toHaveTextContent("Not looked at yet");
    expect(screen.getByRole("tab", { name: "Servers 5" })).toBeInTheDocument();
  });

  it("give way to one thing to do while there is none", async () => {
    servers = [];
    show(<ModelsPage />);
    expect(await screen.findByText("No model server is connected")).toBeInTheDocument();
    expect(screen.getByText(/answers are made of the documents’ own sentences/)).toBeInTheDocument();
    expect(screen.getAllByRole("button", { name: "Connect a server" })).toHaveLength(1);
  });

  it("say why they did not load and load again", async () => {
    let broken = true;
    server.use(http.get("*/api/servers", () => (broken ? aProblem(500, "The disk failed.", { cure: "Check the disk." }) : HttpResponse.json({ items: servers }))));
    show(<ModelsPage />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The servers did not load. The disk failed. Check the disk.");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await card("Ward box")).toBeInTheDocument();
  });

  it("stay unseen to whoever is no administrator", async () => {
    show(<ModelsPage />, { session: aSession({ role: "auditor" }) });
    expect(await screen.findByRole("heading", { name: "Model servers are managed by administrators." })).toBeVisible();
    expect(screen.queryByRole("tab")).not.toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Connect a server" })).not.toBeInTheDocument();
  });

  it("that were found on this machine are offered and prefilled, but not used", async () => {
    detected = [
      { kind: "openai", flavour: "lmstudio", url: "http://127.0.0.1:1234", version: "", models: ["qwen3"] },
      { kind: "ollama", flavour: "ollama", url: "http://127.0.0.1:11434", version: "0.12.3", models: [] },
    ];
    servers = [aServer({ url: "http://localhost:11434" })];
    takes("post", "/api/servers", () => {
      servers = [...servers, aServer({ id: "s2", name: "LM Studio", kind: "openai", url: "http://127.0.0.1:1234" })];
      return HttpResponse.json(servers[1], { status: 201 });
    });
    show(<ModelsPage />);
    expect(await screen.findByText("LM Studio answers on this machine at http://127.0.0.1:1234 with 1 model. Nothing is sent to it until you connect it.")).toBeInTheDocument();
    expect(screen.queryByText(/Ollama answers on this machine/)).not.toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Connect it" }));
    const dialog = await screen.findByRole("dialog", { name: "Connect a server" });
    expect(within(dialog).getByLabelText("Name")).toHaveValue("LM Studio");
    expect(within(dialog).getByLabelText("Address")).toHaveValue("http://127.0.0.1:1234");
    expect(within(dialog).getByLabelText("It speaks")).toHaveValue("openai");
    expect(sent).toEqual([]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Connect a server" }));
    expect(await card("LM Studio")).toBeInTheDocument();
    expect(sent).toEqual([["POST /api/servers", { name: "LM Studio", kind: "openai", url: "http://127.0.0.1:1234", slots: 0 }]]);
    await waitFor(() => expect(screen.queryByRole("button", { name: "Connect it" })).not.toBeInTheDocument());
  });
});

describe("connecting a server", () => {
  it("names what is missing and what the server refuses beside the field, sends once and never shows the token", async () => {
    let release: (() => void) | undefined;
    takes("post", "/api/servers", async () => {
      if (sent.length === 1) return aProblem(422, "Wrong value.", { errors: [{ field: "body.url", sentence: "An address begins with http:// or https://." }] });
      await new Promise<void>((resolve) => (release = resolve));
      servers = [...servers, aServer({ id: "s2", name: "Cellar", hasToken: true })];
      return HttpResponse.json(servers[1], { status: 201 });
    });
    show(<ModelsPage />);
    await card("Ward box");
    await userEvent.click(screen.getByRole("button", { name: "Connect a server" }));
    const dialog = await screen.findByRole("dialog", { name: "Connect a server" });
    const field = (name: string) => within(dialog).getByLabelText(name);
    expect(field("Name")).toHaveFocus();
    const act = within(dialog).getByRole("button", { name: "Connect a server" });
    await userEvent.click(act);
    expect(field("Name")).toHaveAccessibleDescription(/^Enter a name\./);
    expect(field("Address")).toHaveAccessibleDescription(/^Enter the address of the server\./);
    expect(field("Name")).toHaveFocus();
    await userEvent.type(field("Name"), "Cellar");
    await userEvent.type(field("Address"), "cellar:8000");
    await userEvent.type(field("Answers at the same time"), "999");
    await userEvent.click(act);
    expect(field("Answers at the same time")).toHaveAccessibleDescription(/^Enter a number from 1 to 256, or nothing\./);
    expect(field("Answers at the same time")).toHaveFocus();
    await userEvent.clear(field("Answers at the same time"));
    await userEvent.type(field("Token"), "sk-secret");
    expect(field("Token")).toHaveAttribute("type", "password");
    expect(sent).toEqual([]);

    await userEvent.click(act);
    await waitFor(() => expect(field("Address")).toHaveAccessibleDescription(/^An address begins with http/));
    expect(field("Address")).toHaveFocus();
    expect(within(dialog).queryByRole("alert")).not.toBeInTheDocument();
    await userEvent.clear(field("Address"));
    await userEvent.type(field("Address"), "http://cellar:8000{Enter}");
    await waitFor(() => expect(release).toBeDefined());
    await userEvent.type(field("Address"), "{Enter}");
    await userEvent.click(act);
    release?.();
    expect(await screen.findByText("Cellar is connected")).toBeInTheDocument();
    expect(sent.slice(1)).toEqual([["POST /api/servers", { name: "Cellar", kind: "ollama", url: "http://cellar:8000", slots: 0, token: "sk-secret" }]]);
    await card("Cellar");
    expect(document.body.innerHTML).not.toContain("sk-secret");
  });

  it("is tried first, step by step, with what failed and why, and forgets it when the address changes", async () => {
    takes("post", "/api/servers/test", () =>
      HttpResponse.json({
        steps: [
          { name: "connect", ok: true, detail: "vLLM 0.11 answers.", ms: 4 },
          { name: "list", ok: false, detail: "It wants a token.", cure: "Enter its token.", ms: 2 },
        ],
        tokensPerSecond: 0,
        firstTokenMs: 0,
      }),
    );
    show(<ModelsPage />);
    await card("Ward box");
    await userEvent.click(screen.getByRole("button", { name: "Connect a server" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.selectOptions(within(dialog).getByLabelText("It speaks"), "openai");
    await userEvent.click(within(dialog).getByRole("button", { name: "Test the connection" }));
    expect(within(dialog).getByLabelText("Address")).toHaveFocus();
    expect(within(dialog).getByLabelText("Name")).not.toHaveAccessibleDescription(/Enter a name/);
    await userEvent.type(within(dialog).getByLabelText("Address"), "http://cellar:8000");
    await userEvent.click(within(dialog).getByRole("button", { name: "Test the connection" }));
    const [first, second] = await within(dialog).findAllByRole("listitem");
    expect(first).toHaveTextContent("Connect worked vLLM 0.11 answers.");
    expect(second).toHaveTextContent("List models failed It wants a token. Enter its token.");
    expect(sent).toEqual([["POST /api/servers/test", { kind: "openai", url: "http://cellar:8000", key: expect.stringMatching(/^[0-9a-f]{32}$/) as string }]]);
    await userEvent.type(within(dialog).getByLabelText("Address"), "1");
    expect(within(dialog).queryByRole("listitem")).not.toBeInTheDocument();
  });
});

describe("a server", () => {
  it("keeps its token when it is changed, unless another one is given or it is forgotten", async () => {
    servers = [aServer({ hasToken: true, hasCa: true })];
    takes("patch", "/api/servers/s1", () => HttpResponse.json(servers[0]));
    show(<ModelsPage />);
    await choose("Ward box", "Edit");
    let dialog = await screen.findByRole("dialog", { name: "Edit Ward box" });
    expect(within(dialog).queryByLabelText("It speaks")).not.toBeInTheDocument();
    expect(within(dialog).getByLabelText("Token")).toHaveValue("");
    expect(within(dialog).getByLabelText("Token")).toHaveAccessibleDescription("A token is stored. Enter another one to replace it.");
    await userEvent.type(within(dialog).getByLabelText("Name"), " 2");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Ward box 2 was changed")).toBeInTheDocument();

    await choose("Ward box", "Edit");
    dialog = await screen.findByRole("dialog");
    await userEvent.click(within(dialog).getByLabelText("Forget the stored token"));
    await userEvent.click(within(dialog).getByLabelText("Forget the stored certificate"));
    await userEvent.type(within(dialog).getByLabelText("Answers at the same time"), "2{Enter}");
    expect(await screen.findByText("Ward box was changed")).toBeInTheDocument();

    await choose("Ward box", "Edit");
    dialog = await screen.findByRole("dialog");
    await userEvent.type(within(dialog).getByLabelText("Token"), "new one");
    expect(within(dialog).queryByLabelText("Forget the stored token")).not.toBeInTheDocument();
    await userEvent.type(within(dialog).getByLabelText("Certificate of its authority"), "PEM");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    const url = "http://10.1.2.3:11434";
    expect(sent.map(([, body]) => body)).toEqual([
      { name: "Ward box 2", url, slots: 0 },
      { name: "Ward box", url, slots: 2, token: "", ca: "" },
      { name: "Ward box", url, slots: 0, token: "new one", ca: "PEM" },
    ]);
  });

  it("is tested with its speed, again after a refusal, and stopped when the dialog is left", async () => {
    const stopped: string[] = [];
    takes("post", "/api/servers/s1/test", () => {
      if (sent.length === 1) return aProblem(409, "It is switched off.");
      if (sent.length === 3) return new Promise<Response>(() => undefined);
      return HttpResponse.json({ steps: [{ name: "answer", ok: true, detail: "mistral-small said hello.", ms: 1_402 }], tokensPerSecond: 30.72, firstTokenMs: 1_200 });
    });
    server.use(
      http.delete("*/api/servers/test/:key", ({ params }) => {
        stopped.push(String(params["key"]));
        return none();
      }),
    );
    show(<ModelsPage />);
    await userEvent.click(await screen.findByRole("button", { name: "Test: Ward box" }));
    const dialog = await screen.findByRole("dialog", { name: "Test of Ward box" });
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("It is switched off.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Try again" }));
    expect(await within(dialog).findByText("mistral-small said hello.")).toBeInTheDocument();
    expect(dialog).toHaveTextContent("1,402 ms");
    expect(dialog).toHaveTextContent("30.7 tokens per second, first after 1,200 ms");
    expect(stopped).toEqual([]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Test" }));
    expect(await within(dialog).findByText("The server is asked…")).toBeInTheDocument();
    await waitFor(() => expect(sent).toHaveLength(3));
    await userEvent.click(within(dialog).getAllByRole("button", { name: "Close" })[0] as HTMLElement);
    await waitFor(() => expect(stopped).toEqual([(sent[2]?.[1] as { key: string }).key]));
  });

  it("is turned off with a way back, and says why it could not be looked at", async () => {
    takes("patch", "/api/servers/s1", (body) => {
      servers = [aServer(body as Partial<Server>)];
      return HttpResponse.json(servers[0]);
    });
    takes("post", "/api/servers/s1/refresh", () => aProblem(503, "It does not answer."));
    show(<ModelsPage />);
    await choose("Ward box", "Look again");
    expect(await screen.findByText(/It does not answer\./)).toBeInTheDocument();
    sent = [];
    await choose("Ward box", "Turn off");
    expect(await screen.findByText("Ward box is turned off")).toBeInTheDocument();
    expect(await within(await card("Ward box")).findByText("Turned off")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(await screen.findByText("Ward box is turned on")).toBeInTheDocument();
    expect(sent.map(([, body]) => body)).toEqual([{ enabled: false }, { enabled: true }]);
  });

  it("tells its history", async () => {
    server.use(http.get("*/api/servers/s1/health", () => HttpResponse.json({ items: [{ at: "2026-11-24T08:00:00Z", state: "down", latencyMs: 0, why: "It was slow.", cure: "Look at its load." }], next: "" })));
    show(<ModelsPage />);
    await choose("Ward box", "History");
    const dialog = await screen.findByRole("dialog", { name: "History of Ward box" });
    expect(await within(dialog).findByRole("listitem")).toHaveTextContent(/Not reachable.*It was slow\. Look at its load\./);
  });

  it("is removed after asking, and a refusal is not shown to the next question", async () => {
    servers = [aServer(), aServer({ id: "s2", name: "Cellar" })];
    takes("delete", "/api/servers/:id", () => {
      if (sent.length === 1) return aProblem(500, "Not now.");
      servers = [aServer()];
      return none();
    });
    show(<ModelsPage />);
    await choose("Ward box", "Remove");
    let dialog = await screen.findByRole("dialog", { name: "Remove Ward box?" });
    expect(dialog).toHaveTextContent("The models themselves stay on the server.");
    expect(within(dialog).getByRole("button", { name: "Keep it" })).toHaveFocus();
    await userEvent.click(within(dialog).getByRole("button", { name: "Remove the server" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Not now.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Keep it" }));
    await choose("Cellar", "Remove");
    dialog = await screen.findByRole("dialog", { name: "Remove Cellar?" });
    expect(within(dialog).queryByRole("alert")).not.toBeInTheDocument();
    await userEvent.click(within(dialog).getByRole("button", { name: "Remove the server" }));
    expect(await screen.findByText("Cellar was removed")).toBeInTheDocument();
    expect(sent.map(([what]) => what)).toEqual(["DELETE /api/servers/s1", "DELETE /api/servers/s2"]);
  });
});

describe("the models", () => {
  const group = { kind: "group" as const, id: "g1", name: "Pharmacy" };

  beforeEach(() => {
    models = [
      managed("mistral-small", { default: true, label: "House model", parameters: "24B", quantization: "Q4_K_M", capabilities: { vision: true, thinking: true, tools: true } }),
      managed("qwen3", { available: false, why: "The server Cellar does not answer." }, { everyone: false, access: [group], servers: [{ ...place, model: "qwen3:8b", loaded: false }] }),
      managed("bge-m3", { kind: "embedding", available: false, why: "It is switched off." }, { enabled: false, everyone: false, servers: [] }),
    ];
  });

  it("are listed with what they can, where they are and who may use them", async () => {
    await tab(/^Models/);
    const first = await row(/House model/);
    expect(first).toHaveTextContent("House modelDefaultmistral-small · 24B · Q4_K_MImagesThinksTools32,768 tokensWard box, in memoryEveryone");
    const second = await row(/qwen3/);
    expect(second).toHaveTextContent("Not availableThe server Cellar does not answer.");
    expect(second).toHaveTextContent("Ward box, not in memory1 entry");
    const third = await row(/bge-m3/);
    expect(third).toHaveTextContent("Turned offVectorsNobody");
    expect(third).not.toHaveTextContent("It is switched off.");
    await userEvent.click(within(third).getByRole("button", { name: "Actions for bge-m3" }));
    expect((await screen.findAllByRole("menuitem")).map((item) => item.textContent)).toEqual(["Edit"]);
  });

  it("are none until a server has one", async () => {
    models = [];
    await tab(/^Models/);
    expect(await screen.findByText("No model is known")).toBeInTheDocument();
  });

  it("are renamed and given to a group, and what is refused stands beside its field", async () => {
    server.use(
      http.get("*/api/groups", () => HttpResponse.json({ items: [{ id: "g1", name: "Pharmacy", members: 6 }, { id: "g2", name: "Radiology", members: 2 }], next: "" })),
      http.get("*/api/people", ({ request }) =>
        HttpResponse.json({ items: [aPerson({ id: "p2", name: "Ana Ruiz" })].filter((p) => p.name.toLowerCase().includes(new URL(request.url).searchParams.get("q") ?? "")), next: "" }),
      ),
    );
    takes("patch", "/api/models/mistral-small", () =>
      sent.length === 1 ? aProblem(409, "Taken.", { errors: [{ field: "body.aliases", sentence: "Another model has the name ward." }] }) : HttpResponse.json({ ...models[0], label: "Ward" }),
    );
    await tab(/^Models/);
    await choose("House model", "Edit");
    const dialog = await screen.findByRole("dialog", { name: "Edit House model" });
    const field = (name: string) => within(dialog).getByLabelText(name);
    expect(field("Shown as")).toHaveFocus();
    await userEvent.clear(field("Shown as"));
    await userEvent.type(field("Shown as"), " Ward ");
    await userEvent.type(field("Other names"), "ward, , gpt-4 ");
    await userEvent.type(field("Context in tokens"), "511");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(field("Context in tokens")).toHaveAccessibleDescription(/^Enter a number from 512/);
    expect(field("Context in tokens")).toHaveFocus();
    await userEvent.clear(field("Context in tokens"));
    await userEvent.type(field("Context in tokens"), "16384");

    await userEvent.click(field("Everyone may use it"));
    expect(within(dialog).getByText("Nobody is in the list yet.")).toBeInTheDocument();
    const box = within(dialog).getByRole("searchbox", { name: "Find people and groups" });
    await userEvent.type(box, "xyz{Enter}");
    expect(await within(dialog).findByText("Nobody and no group is called that.")).toBeInTheDocument();
    expect(sent).toEqual([]);
    await userEvent.clear(box);
    await userEvent.type(box, "pharm");
    await userEvent.click(await within(dialog).findByRole("button", { name: "Add Pharmacy" }));
    expect(box).toHaveFocus();
    expect(within(dialog).queryByRole("button", { name: "Add Pharmacy" })).not.toBeInTheDocument();
    await userEvent.clear(box);
    await userEvent.type(box, "ana");
    await userEvent.click(await within(dialog).findByRole("button", { name: "Add Ana Ruiz" }));
    const list = within(dialog).getByRole("list", { name: "May use it" });
    expect(within(list).getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Pharmacy Group", "Ana Ruiz Person"]);
    await userEvent.click(within(list).getByRole("button", { name: "Remove Ana Ruiz" }));

    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(field("Other names")).toHaveAccessibleDescription(/^Another model has the name ward\./));
    expect(field("Other names")).toHaveFocus();
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Ward was changed")).toBeInTheDocument();
    const change = { label: "Ward", aliases: ["ward", "gpt-4"], context: 16_384, enabled: true, everyone: false, access: [{ kind: "group", id: "g1" }] };
    expect(sent.map(([, body]) => body)).toEqual([change, change]);
  });

  it("are made the default, loaded, unloaded, and deleted after asking", async () => {
    takes("patch", "/api/models/qwen3", () => HttpResponse.json(models[1]));
    takes("post", "/api/servers/s1/load", () => aProblem(503, "Its memory is full.", { cure: "Unload another model." }));
    takes("post", "/api/servers/s1/unload", none);
    takes("delete", "/api/servers/s1/models", none);
    await tab(/^Models/);
    await choose("qwen3", "Make it the default");
    expect(await screen.findByText("qwen3 is the default now")).toBeInTheDocument();
    await choose("qwen3", "Load on Ward box");
    expect(await screen.findByRole("alert")).toHaveTextContent("That did not work. Its memory is full. Unload another model.");
    await choose("qwen3", "Delete from Ward box");
    const dialog = await screen.findByRole("dialog", { name: "Delete qwen3 from Ward box?" });
    expect(within(dialog).queryByText(/Its memory is full/)).not.toBeInTheDocument();
    expect(dialog).toHaveTextContent("It must be imported again to come back.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Delete the model" }));
    expect(await screen.findByText("qwen3 was deleted")).toBeInTheDocument();
    await choose("House model", "Unload from Ward box");
    expect(await screen.findByText("House model is no longer in memory")).toBeInTheDocument();
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    expect(sent).toEqual([
      ["PATCH /api/models/qwen3", { default: true }],
      ["POST /api/servers/s1/load", { model: "qwen3:8b" }],
      ["DELETE /api/servers/s1/models?name=qwen3%3A8b", undefined],
      ["POST /api/servers/s1/unload", { model: "mistral-small:latest" }],
    ]);
  });
});
