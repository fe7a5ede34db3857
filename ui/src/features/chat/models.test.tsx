import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import { aConversation, aGenerated, aModel, anAnswer, aQuestion, aStream, eventsOf, type RunEventText } from "@/test/answers";
import type { Schema } from "@/api/types";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ChatPage } from "./chat-page";

let people = 0;
const someone = (role: Schema<"Person">["role"] = "") => ({ path: "/c/$conversation", at: "/c/c1", session: aSession({ id: `person of models ${++people}`, role }) });
const stream = (body: BodyInit) => new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
const event = (id: number, name: string, data: unknown): RunEventText => ({ id, text: `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n` });
const taken = (run: string, question: string, answer: string) => HttpResponse.json({ conversation: { id: "c1" }, run: { id: run }, question: { id: question }, answer: { id: answer } }, { status: 202 });

const mistral = aModel("mistral-small", { label: "Mistral Small 24B", default: true, capabilities: { vision: true, thinking: true, tools: true } });
const qwen = aModel("qwen3", { label: "Qwen3 14B", loaded: false });
const away = aModel("llama", { label: "Llama 70B", available: false, why: "The server B does not answer." });
const room = { limit: 32_768, used: 6_349, reserved: 2_048, maxMessage: 30_000 };

/** A chat with models; what the test does to it is seen in the messages it serves. */
function serve(messages: Schema<"Message">[], { conversation = aConversation(), models = [mistral, qwen, away], space = room } = {}) {
  const held = { messages };
  server.use(
    http.get("*/api/conversations/c1", () => HttpResponse.json({ conversation, messages: held.messages, next: "" })),
    http.get("*/api/conversations", () => HttpResponse.json({ items: [conversation], next: "" })),
    http.get("*/api/knowledge", () => HttpResponse.json({ items: [], next: "" })),
    http.get("*/api/models", () => HttpResponse.json({ items: models, generation: models.length > 0 ? "ready" : "none" })),
    http.get("*/api/context", () => HttpResponse.json(space)),
  );
  return held;
}

const article = () => screen.findByRole("article", { name: "Answer" });
const proseOf = (element: HTMLElement) => element.querySelector(".prose:not(.thought)")?.textContent;

describe("the model picker", () => {
  it("tells what each model can, and sends the one that is chosen", async () => {
    const bodies: unknown[] = [];
    serve([aQuestion(), aGenerated()]);
    server.use(
      http.post("*/api/conversations/c1/messages", async ({ request }) => {
        bodies.push(await request.json());
        return taken("r2", "m3", "m4");
      }),
      http.get("*/api/runs/r2/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    await screen.findByRole("button", { name: "Model: Mistral Small 24B" });
    await userEvent.keyboard("{Control>}{Shift>}m{/Shift}{/Control}");
    const find = await screen.findByRole("combobox", { name: "Find a model" });
    await waitFor(() => expect(find).toHaveFocus());
    const usual = screen.getByRole("option", { name: /Mistral Small 24B/ });
    expect(usual).toHaveTextContent("Mistral Small 24BDefaultLoadedThinksSees imagesUses tools32k tokens");
    expect(usual).toHaveAttribute("aria-selected", "true");
    expect(screen.getByRole("option", { name: /Qwen3/ })).toHaveTextContent("Is loaded first");
    expect(screen.getByRole("option", { name: /Llama/ })).toHaveAttribute("aria-disabled", "true");
    expect(screen.getByRole("option", { name: /Llama/ })).toHaveTextContent("The server B does not answer.");
    expect(screen.getByRole("option", { name: /Documents' own words/ })).toBeInTheDocument();
    await userEvent.keyboard("{ArrowDown}{Enter}");
    expect(await screen.findByRole("button", { name: "Model: Qwen3 14B" })).toBeInTheDocument();
    await userEvent.type(screen.getByRole("textbox"), "And now?{Enter}");
    await waitFor(() => expect(bodies).toEqual([{ message: "And now?", knowledge: [], model: "qwen3" }]));
    expect(await screen.findByText("Qwen3 14B", { selector: "article strong" })).toBeInTheDocument();
  });

  it("finds by typing and never chooses what cannot answer", async () => {
    serve([aQuestion(), aGenerated()]);
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Model: Mistral Small 24B" }));
    await userEvent.type(await screen.findByRole("combobox"), "llama{Enter}");
    expect(screen.getAllByRole("option")).toHaveLength(1);
    expect(screen.getByRole("combobox")).toBeInTheDocument();
    await userEvent.clear(screen.getByRole("combobox"));
    await userEvent.type(screen.getByRole("combobox"), "zzz");
    expect(screen.getByText("No model has this name.")).toBeInTheDocument();
    await userEvent.clear(screen.getByRole("combobox"));
    await userEvent.type(screen.getByRole("combobox"), "own words{Enter}");
    expect(await screen.findByRole("button", { name: "Model: Documents' own words" })).toBeInTheDocument();
  });

  it("remembers the model of the chat", async () => {
    serve([aQuestion(), aGenerated()], { conversation: aConversation({ model: "qwen3" }) });
    show(<ChatPage />, someone());
    expect(await screen.findByRole("button", { name: "Model: Qwen3 14B" })).toBeInTheDocument();
  });

  it("is not there without a model; an administrator is led to where one is connected", async () => {
    serve([aQuestion(), anAnswer()], { models: [] });
    const first = show(<ChatPage />, someone("owner"));
    expect(await screen.findByText("No model is connected.")).toBeInTheDocument();
    expect(await screen.findByRole("link", { name: "Connect a model" })).toHaveAttribute("href", "/admin/models");
    expect(screen.queryByRole("button", { name: /^Model:/ })).not.toBeInTheDocument();
    first.unmount();
    show(<ChatPage />, someone());
    expect(await screen.findByText("No model is connected.")).toBeInTheDocument();
    await screen.findByRole("button", { name: "Ask again" });
    expect(screen.queryByRole("link", { name: "Connect a model" })).not.toBeInTheDocument();
  });

  it("lets a model answer where the documents did", async () => {
    const asked: unknown[] = [];
    serve([aQuestion(), anAnswer()]);
    server.use(
      http.post("*/api/messages/m2/regenerate", async ({ request }) => {
        asked.push(await request.json());
        return taken("r2", "m1", "m4");
      }),
      http.get("*/api/runs/r2/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Answer with Mistral Small 24B" }));
    await waitFor(() => expect(asked).toEqual([{ model: "mistral-small" }]));
  });
});

describe("waiting", () => {
  it("says its place with an estimate and the reason, then each phase, then how far it is", async () => {
    const writing = aGenerated({ state: "writing", content: "", thinking: "", thinkingMs: 0, citations: [] });
    const held = serve([aQuestion(), writing]);
    const run = aStream();
    const stopped: string[] = [];
    server.use(
      http.get("*/api/runs/r1/events", () => stream(run.body)),
      http.post("*/api/runs/:id/stop", ({ params }) => {
        stopped.push(String(params["id"]));
        return new HttpResponse(null, { status: 202 });
      }),
    );
    show(<ChatPage />, someone());
    await article();
    run.send(event(1, "phase", { phase: "queued" }), event(2, "phase", { phase: "queued", place: 3, seconds: 12, why: "The model is busy." }));
    expect(await screen.findByText("Queued, place 3")).toBeInTheDocument();
    expect(screen.getByText("about 12 s · The model is busy.")).toBeInTheDocument();
    run.send(event(3, "phase", { phase: "loading", server: "s1" }));
    expect(await screen.findByText("Loading Mistral Small 24B")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Leave the queue" })).not.toBeInTheDocument();
    run.send(event(4, "phase", { phase: "searching", query: "efficiency of set G2" }));
    expect(await screen.findByText("Reading documents")).toBeInTheDocument();
    expect(screen.getAllByText(/^Searched for “efficiency of set G2”/).length).toBeGreaterThan(0);
    run.send(event(5, "phase", { phase: "thinking" }), event(6, "thinking", { text: "The handbook " }));
    const fold = await screen.findByRole("button", { name: "Thinking" });
    expect(screen.queryByText(/The handbook/)).not.toBeInTheDocument();
    await userEvent.click(fold);
    const thoughts = await screen.findByRole("group", { name: "What the model thought" });
    expect(thoughts).toHaveTextContent("The handbook");
    run.send(event(7, "thinking", { text: "<b>names</b> it." }));
    await waitFor(() => expect(thoughts).toHaveTextContent("The handbook <b>names</b> it."));
    run.send(event(8, "phase", { phase: "writing" }), event(9, "delta", { text: "Efficiency is 41 %." }));
    expect(await screen.findByText("Writing")).toBeInTheDocument();
    expect(await screen.findByText(/^4 words/)).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Stop writing" }));
    await waitFor(() => expect(stopped).toEqual(["r1"]));
    const done = aGenerated({ content: "Efficiency is 41 %.", citations: [], thinking: "The handbook <b>names</b> it." });
    held.messages = [aQuestion(), done];
    run.send(event(10, "done", done));
    run.close();
    expect(await screen.findByRole("button", { name: "Thought for 6.2 s" })).toBeInTheDocument();
    expect(screen.queryByText("Writing")).not.toBeInTheDocument();
  });

  it("can be given up in the queue", async () => {
    serve([aQuestion(), aGenerated({ state: "writing", content: "", thinking: "" })]);
    const run = aStream();
    const stopped: string[] = [];
    server.use(
      http.get("*/api/runs/r1/events", () => stream(run.body)),
      http.post("*/api/runs/:id/stop", ({ params }) => {
        stopped.push(String(params["id"]));
        return new HttpResponse(null, { status: 202 });
      }),
    );
    show(<ChatPage />, someone());
    await article();
    run.send(event(1, "phase", { phase: "queued", place: 2 }));
    await userEvent.click(await screen.findByRole("button", { name: "Leave the queue" }));
    await waitFor(() => expect(stopped).toEqual(["r1"]));
  });
});

describe("an answer of a model", () => {
  it("names the model, folds its thoughts, and tells what is to be known of it", async () => {
    serve([aQuestion(), aGenerated({ unsupported: true, truncated: true, context: { limit: 8_192, used: 8_000, counted: 7_900, droppedTurns: 2, droppedPassages: 1 } })]);
    show(<ChatPage />, someone());
    const answer = await article();
    expect(await within(answer).findByText("Mistral Small 24B")).toBeInTheDocument();
    expect(within(answer).getByRole("button", { name: "Read 1 passage in 1 document, thought for 6.2 s" })).toHaveAttribute("aria-expanded", "false");
    expect(within(answer).queryByText(/lower heating value/)).not.toBeInTheDocument();
    expect(within(answer).getByText(/No source supports this answer/)).toBeInTheDocument();
    expect(within(answer).getByText("2 earlier messages and 1 passage did not fit and are not part of this answer.")).toBeInTheDocument();
    expect(within(answer).getByText("The answer ended at its limit.")).toBeInTheDocument();
    expect(within(answer).getByRole("button", { name: "Continue" })).toBeInTheDocument();
    expect(screen.queryByText("No model is connected.")).not.toBeInTheDocument();
  });

  it("shows what it took, and its receipt", async () => {
    serve([aQuestion(), aGenerated()]);
    const receipt: Schema<"Receipt"> = {
      run: "r1",
      message: "m2",
      model: "mistral-small",
      digest: "7a7fd307",
      server: "s1",
      parameters: { context: 32_768, maxTokens: 8_192, temperature: 0.2 },
      prompt: [{ role: "system", content: "Answer from the passages." }, { role: "user", content: "How efficient is G2?" }],
      query: "efficiency G2",
      passages: [{ number: 1, document: "doc1", title: "Engine test handbook", knowledge: "k1", version: 1, chunk: 7, page: 37, heading: "", start: 5, end: 9, score: 8.7, coverage: 0.9, text: "Brake thermal efficiency" }],
      times: { queuedMs: 20, loadingMs: 0, searchingMs: 84, firstTokenMs: 1_400, writingMs: 12_000, totalMs: 14_000 },
      tokens: { prompt: 2_048, output: 412, estimated: 2_100 },
    };
    server.use(http.get("*/api/messages/m2/receipt", () => HttpResponse.json(receipt)));
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "About this answer" }));
    const card = await screen.findByRole("dialog", { name: "About this answer" });
    await within(card).findByText("Tokens read");
    expect(card).toHaveTextContent("Tokens read2,048Tokens written412Speed30.7 tokens/sFirst word after1.4 sIn all14 sContext used2,048 of 32,768");
    await userEvent.click(within(card).getByRole("button", { name: "Show the receipt" }));
    const dialog = await screen.findByRole("dialog", { name: "Receipt of the answer" });
    expect(await within(dialog).findByRole("link", { name: "Engine test handbook" })).toHaveAttribute("href", "/documents/doc1?from=5&to=9&n=1");
    expect(dialog).toHaveTextContent("score 8.70");
    expect(dialog).toHaveTextContent("2,048 (estimated 2,100)");
    expect(dialog).toHaveTextContent("Reading documents0.08 s");
    expect(dialog).toHaveTextContent("Answer from the passages.");
  });

  it("is asked for again from another model, beside the first, and the versions are walked", async () => {
    const bodies: unknown[] = [];
    const leaves: unknown[] = [];
    const first = aGenerated();
    const held = serve([aQuestion(), first]);
    const run = aStream();
    server.use(
      http.post("*/api/messages/m2/regenerate", async ({ request }) => {
        bodies.push(await request.json());
        return taken("r2", "m1", "m4");
      }),
      http.get("*/api/runs/r2/events", () => stream(run.body)),
      http.put("*/api/conversations/c1/leaf", async ({ request }) => {
        leaves.push(await request.json());
        held.messages = [aQuestion(), { ...first, versions: { index: 1, ids: ["m2", "m4"] } }];
        return HttpResponse.json(aConversation());
      }),
    );
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Ask again" }));
    expect(await screen.findByRole("menuitem", { name: "Mistral Small 24B again" })).toBeInTheDocument();
    expect(screen.queryByRole("menuitem", { name: "Llama 70B" })).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole("menuitem", { name: "Qwen3 14B" }));
    await waitFor(() => expect(bodies).toEqual([{ model: "qwen3" }]));
    expect(await screen.findByText("Qwen3 14B", { selector: "article strong" })).toBeInTheDocument();
    const second = aGenerated({ id: "m4", run: "r2", model: "qwen3", content: "It is 41 percent.", citations: [], thinking: "", versions: { index: 2, ids: ["m2", "m4"] } });
    held.messages = [aQuestion(), second];
    run.send(...eventsOf(second));
    run.close();
    expect(await screen.findByRole("group", { name: "Version 2 of 2" })).toBeInTheDocument();
    expect(proseOf(await article())).toBe("It is 41 percent.");
    const before = await screen.findByRole("button", { name: "Version before" });
    await waitFor(() => expect(before).toHaveAttribute("aria-disabled", "false"));
    await userEvent.click(before);
    expect(await screen.findByRole("group", { name: "Version 1 of 2" })).toBeInTheDocument();
    expect(leaves).toEqual([{ message: "m2" }]);
    expect(proseOf(await article())).toBe("Efficiency is 41 % at 75 % load1.");
    expect(await screen.findByText("Version 1 of 2", { selector: "[role=status]" })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Version before" })).toHaveFocus();
  });
});

describe("going on", () => {
  for (const [name, state, button] of [["interrupted", "interrupted", "Go on"], ["stopped", "stopped", "Continue"], ["failed", "failed", "Continue"]] as const) {
    it(`keeps the words of an answer that was ${name}`, async () => {
      const broken = aGenerated({ state, content: "Efficiency is", citations: [], thinking: "", ...(state === "failed" ? { problem: { type: "", title: "", status: 503, detail: "The server broke off.", code: "broken", cure: "", request: "q-9" } } : {}) });
      const held = serve([aQuestion(), broken]);
      const run = aStream();
      server.use(
        http.post("*/api/messages/m2/continue", () => taken("r2", "m1", "m2")),
        http.get("*/api/runs/r2/events", () => stream(run.body)),
      );
      show(<ChatPage />, someone());
      expect(proseOf(await article())).toBe("Efficiency is");
      await userEvent.click(await screen.findByRole("button", { name: button }));
      expect(await screen.findByRole("button", { name: "Stop writing" })).toBeInTheDocument();
      expect(proseOf(await article())).toBe("Efficiency is");
      run.send(event(1, "phase", { phase: "queued" }), event(2, "delta", { text: "Efficiency is" }));
      expect(await screen.findByText("Queued")).toBeInTheDocument();
      run.send(event(3, "phase", { phase: "writing" }), event(4, "delta", { text: " 41 %." }));
      await waitFor(() => expect(screen.getByRole("article").querySelector(".prose")?.textContent).toBe("Efficiency is 41 %."));
      const done = aGenerated({ run: "r2", content: "Efficiency is 41 %.", citations: [], thinking: "" });
      held.messages = [aQuestion(), done];
      run.send(event(5, "done", done));
      run.close();
      expect(await screen.findByRole("button", { name: "About this answer" })).toBeInTheDocument();
      expect(proseOf(await article())).toBe("Efficiency is 41 %.");
    });
  }

  it("tells a model server that broke off from a stop of this one", async () => {
    serve([aQuestion(), aGenerated({ state: "interrupted", content: "Efficiency is", citations: [], problem: { type: "", title: "", status: 502, detail: "The server B broke off.", code: "broken", cure: "Go on with the answer.", request: "q-8" } })]);
    show(<ChatPage />, someone());
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The server B broke off. Go on with the answer. The 2 words above are kept.");
    expect(await article()).toHaveTextContent("This answer broke off.");
    expect(within(alert).getByRole("button", { name: "Continue" })).toBeInTheDocument();
    expect(screen.queryByText(/The server was stopped/)).not.toBeInTheDocument();
  });

  it("says why it is refused, and offers it again", async () => {
    serve([aQuestion(), aGenerated({ state: "interrupted", content: "Efficiency is", citations: [] })]);
    server.use(
      http.post("*/api/messages/m2/continue", () =>
        HttpResponse.json({ status: 409, detail: "The answer was written from documents that you may no longer read.", code: "sources-withheld", cure: "Ask for the answer again.", request: "q-7" }, { status: 409 }),
      ),
    );
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Go on" }));
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The answer was not gone on with. The answer was written from documents that you may no longer read. Ask for the answer again.");
    expect(alert).toHaveTextContent("Request q-7");
    expect(screen.getByRole("button", { name: "Go on" })).toBeInTheDocument();
  });
});

describe("a question", () => {
  it("is edited in its place with Up, and becomes another version with its own answer", async () => {
    const bodies: unknown[] = [];
    serve([aQuestion(), aGenerated(), aQuestion({ id: "m3", parent: "m2", content: "And at half load?" }), aGenerated({ id: "m4", parent: "m3", content: "38 %.", citations: [] })]);
    server.use(
      http.post("*/api/messages/m3/edit", async ({ request }) => {
        bodies.push(await request.json());
        return taken("r5", "m5", "m6");
      }),
      http.get("*/api/runs/r5/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    const box = await screen.findByRole("textbox", { name: "Ask another question" });
    await screen.findAllByRole("button", { name: "Edit" });
    await userEvent.type(box, "{ArrowUp}");
    const edit = await screen.findByRole("textbox", { name: "Edit the question" });
    expect(edit).toHaveValue("And at half load?");
    await waitFor(() => expect(edit).toHaveFocus());
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByRole("textbox", { name: "Edit the question" })).not.toBeInTheDocument();
    await userEvent.click(screen.getAllByRole("button", { name: "Edit" })[1] as HTMLElement);
    const again = await screen.findByRole("textbox", { name: "Edit the question" });
    await userEvent.clear(again);
    await userEvent.type(again, "And at full load?");
    await userEvent.click(screen.getByRole("button", { name: "Save and send" }));
    await waitFor(() => expect(bodies).toEqual([{ message: "And at full load?" }]));
    expect(await screen.findByRole("group", { name: "Version 2 of 2" })).toBeInTheDocument();
    expect(screen.getByText("And at full load?")).toBeInTheDocument();
    expect(screen.queryByText("And at half load?")).not.toBeInTheDocument();
    expect(screen.getAllByRole("article")).toHaveLength(2);
  });

  it("gives the other words back when they were refused", async () => {
    serve([aQuestion(), aGenerated()]);
    server.use(http.post("*/api/messages/m1/edit", () => HttpResponse.json({ status: 503, detail: "Too many wait.", code: "busy", cure: "Try again in a minute." }, { status: 503 })));
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Edit" }));
    const edit = await screen.findByRole("textbox", { name: "Edit the question" });
    await userEvent.clear(edit);
    await userEvent.type(edit, "How efficient is G1?{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("The question was not sent. Too many wait. Try again in a minute.");
    expect(await screen.findByRole("textbox", { name: "Edit the question" })).toHaveValue("How efficient is G1?");
  });
});

describe("the context", () => {
  it("shows how full it is, with the draft", async () => {
    serve([aQuestion(), aGenerated()]);
    show(<ChatPage />, someone());
    expect(await screen.findByRole("button", { name: "Context: 6.2k of 32k tokens used" })).toBeInTheDocument();
    await userEvent.click(screen.getByRole("textbox"));
    await userEvent.paste("word ".repeat(2_000));
    expect(screen.getByRole("button", { name: "Context: 8.6k of 32k tokens used" })).toBeInTheDocument();
  });

  it("says when something would be cut", async () => {
    serve([aQuestion(), aGenerated()], { space: { limit: 8_192, used: 7_900, reserved: 2_048, maxMessage: 6_000 } });
    show(<ChatPage />, someone());
    expect(await screen.findByText(/Its earliest messages are left out of the next answer/)).toBeInTheDocument();
  });

  it("does not send what is too long, and names both numbers", async () => {
    serve([aQuestion(), aGenerated()], { space: { limit: 1_024, used: 200, reserved: 256, maxMessage: 500 } });
    show(<ChatPage />, someone());
    await screen.findByRole("button", { name: /^Context/ });
    const box = screen.getByRole("textbox");
    await userEvent.click(box);
    await userEvent.paste("word ".repeat(1_000));
    expect(screen.getByText("The message has about 1,250 tokens; the model takes at most 500. Shorten it, or choose another model.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Send" })).toHaveAttribute("aria-disabled", "true");
    expect(box).toHaveAttribute("aria-invalid", "true");
    await userEvent.keyboard("{Enter}");
    expect(screen.queryByRole("button", { name: "Stop writing" })).not.toBeInTheDocument();
    expect(box).not.toHaveValue("");
  });
});
