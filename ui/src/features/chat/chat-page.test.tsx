import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { delay, http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import { FrameContext } from "@/components/ui/frame";
import { aCitation, aConversation, anAnswer, aQuestion, aStream, eventsOf } from "@/test/answers";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ChatPage } from "./chat-page";

let people = 0;
// Drafts belong to a person: each test is another one's.
const someone = () => ({ path: "/c/$conversation", at: "/c/c1", session: aSession({ id: `person ${++people}` }) });
const none = { items: [], next: "" };
const stream = (body: BodyInit) => new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });

function serve(messages = [aQuestion(), anAnswer()], conversation = aConversation()) {
  server.use(
    http.get("*/api/conversations/c1", () => HttpResponse.json({ conversation, messages, next: "" })),
    http.get("*/api/conversations", () => HttpResponse.json({ items: [conversation], next: "" })),
    http.get("*/api/knowledge", () => HttpResponse.json(none)),
  );
}

/** A chat whose answer is being written by run r1. */
function serveWriting(answer = anAnswer()) {
  let done = false;
  server.use(
    http.get("*/api/conversations/c1", () =>
      HttpResponse.json({ conversation: aConversation({ running: !done }), messages: [aQuestion(), done ? answer : { ...answer, content: "", citations: [], state: "writing" }], next: "" }),
    ),
    http.get("*/api/conversations", () => HttpResponse.json(none)),
    http.get("*/api/knowledge", () => HttpResponse.json(none)),
  );
  return { finish: () => (done = true) };
}

const article = () => screen.findByRole("article", { name: "Answer" });
const proseOf = (element: HTMLElement) => element.querySelector(".prose")?.textContent;

describe("a chat", () => {
  it("shows questions, quoted answers with their keys, and the sources by document", async () => {
    serve([aQuestion(), anAnswer({ citations: [aCitation(1), aCitation(2, { document: { id: "doc1", title: "Document 1" } }), aCitation(3)] })]);
    show(<ChatPage />, someone());
    const answer = await article();
    expect(screen.getByText("How efficient is G2?")).toBeInTheDocument();
    expect(within(answer).getByText("No model is connected.")).toBeInTheDocument();
    expect(within(answer).getAllByRole("listitem")[0]).toHaveTextContent("Efficiency is 41 % at 75 % load.1");
    const sources = within(answer).getByRole("group", { name: "Sources" });
    expect(within(sources).getAllByRole("listitem")).toHaveLength(2);
    expect(within(answer).getByRole("button", { name: "Read 3 passages in 2 documents" })).toHaveAttribute("aria-expanded", "false");
  });

  it("opens the panel at the passage when a key is pressed", async () => {
    serve([aQuestion(), anAnswer({ citations: [aCitation(1, { start: 100, end: 119 }), aCitation(2, { text: "" })] })]);
    server.use(
      http.get("*/api/documents/doc1/content", () =>
        HttpResponse.json({
          document: { state: "ready" },
          blocks: [{ kind: "paragraph", level: 0, page: 0, text: "😀 Before. Words of passage 1. After.", start: 90, end: 126 }],
          next: null,
        }),
      ),
    );
    const slot = document.body.appendChild(document.createElement("div"));
    show(
      <FrameContext value={{ sidebar: true, openSidebar: () => undefined, panelSlot: slot }}>
        <ChatPage />
      </FrameContext>,
      someone(),
    );
    const keys = await screen.findAllByRole("link", { name: "Source 1: Document 1, Section" });
    await userEvent.click(keys[0] as HTMLElement);
    expect(keys[0]).toHaveAttribute("aria-current", "true");
    const panel = await screen.findByRole("complementary", { name: "Sources" });
    expect(await within(panel).findByText("Words of passage 1.")).toHaveProperty("tagName", "MARK");
    expect(within(panel).getByText("Passage 1")).toBeInTheDocument();
    expect(within(panel).getByRole("link", { name: "Open the document" })).toHaveAttribute("href", "/documents/doc1?from=100&to=119&n=1");
    await userEvent.click(within(panel).getByRole("button", { name: /2 Document 2/ }));
    expect(within(panel).getByText("You may no longer read this document.")).toBeInTheDocument();
    await userEvent.click(within(panel).getByRole("button", { name: "Close" }));
    expect(panel).not.toBeInTheDocument();
    slot.remove();
  });

  it("says that nothing was found", async () => {
    serve([aQuestion(), anAnswer({ kind: "none", content: "Nothing about this was found.", citations: [] })]);
    show(<ChatPage />, someone());
    expect(within(await article()).getByText(/Nothing about this was found. Ask with other words/)).toBeInTheDocument();
    expect(screen.queryByRole("group", { name: "Sources" })).not.toBeInTheDocument();
    expect(screen.queryByText("No model is connected.")).not.toBeInTheDocument();
  });

  it("shows why an answer failed, keeps its words and asks again", async () => {
    const asked: unknown[] = [];
    serve([aQuestion(), anAnswer({ state: "failed", content: "- Half of [1]", problem: { type: "", title: "", status: 500, detail: "The search broke.", code: "internal", cure: "Ask again.", request: "q-1" } })]);
    server.use(
      http.post("*/api/messages/m2/regenerate", async ({ request }) => {
        asked.push(await request.json(), request.headers.get("Prefer"));
        return HttpResponse.json({ conversation: { id: "c1" }, run: { id: "r2" }, question: { id: "m1" }, answer: { id: "m4" } }, { status: 202 });
      }),
      http.get("*/api/runs/r2/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The search broke. Ask again. The 4 words above are kept.");
    expect(alert).toHaveTextContent("Request q-1");
    expect(await article()).toHaveTextContent("Half of");
    expect(await article()).toHaveTextContent("This answer failed.");
    await userEvent.click(within(alert).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(asked).toEqual([{}, "respond-async"]));
    expect(await screen.findByRole("button", { name: "Stop writing" })).toBeInTheDocument();
    expect(screen.getAllByRole("article")).toHaveLength(1);
  });

  it("says that it is gone", async () => {
    server.use(
      http.get("*/api/conversations/c1", () => HttpResponse.json({ status: 404, detail: "There is no such conversation.", code: "not_found" }, { status: 404 })),
    );
    show(<ChatPage />, someone());
    expect(await screen.findByText("This chat does not exist any more.")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "New chat" })).toHaveAttribute("href", "/");
  });

  it("loads again after an error", async () => {
    let broken = true;
    serve();
    server.use(
      http.get("*/api/conversations/c1", () =>
        broken ? HttpResponse.json({ status: 500, detail: "The disk is full.", code: "full", cure: "Free some space.", request: "q-2" }, { status: 500 }) : undefined,
      ),
    );
    show(<ChatPage />, someone());
    expect(await screen.findByRole("alert")).toHaveTextContent("The chat did not load. The disk is full. Free some space.Request q-2");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await article()).toBeInTheDocument();
  });

  it("loads older messages before the ones that are there", async () => {
    server.use(
      http.get("*/api/conversations/c1", ({ request }) =>
        new URL(request.url).searchParams.get("cursor") === "older"
          ? HttpResponse.json({ conversation: aConversation(), messages: [aQuestion({ id: "m-1", content: "The oldest question" })], next: "" })
          : HttpResponse.json({ conversation: aConversation(), messages: [aQuestion(), anAnswer()], next: "older" }),
      ),
      http.get("*/api/knowledge", () => HttpResponse.json(none)),
    );
    const { container } = show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Load older messages" }));
    await screen.findByText("The oldest question");
    expect(Array.from(container.querySelectorAll(".bubble")).map((e) => e.textContent)).toEqual(["You asked: The oldest question", "You asked: How efficient is G2?"]);
    expect(screen.queryByRole("button", { name: "Load older messages" })).not.toBeInTheDocument();
  });
});

describe("an answer that is being written", () => {
  it("grows with the stream, says its phase, and ends with its sources", async () => {
    const { finish } = serveWriting();
    const events = eventsOf(anAnswer());
    const run = aStream();
    server.use(http.get("*/api/runs/r1/events", () => stream(run.body)));
    show(<ChatPage />, someone());
    await article();
    run.send(...events.slice(0, 2));
    expect(await screen.findByText("Reading documents")).toBeInTheDocument();
    expect(screen.getByText("The answer has started.")).toBeInTheDocument();
    run.send(...events.slice(2, 13));
    expect(await screen.findByText("Writing")).toBeInTheDocument();
    await waitFor(() => expect(screen.getByRole("article")).toHaveTextContent("Efficiency is 41"));
    expect(screen.getByRole("article")).toHaveAttribute("aria-busy", "true");
    expect(screen.queryByRole("button", { name: "Copy" })).not.toBeInTheDocument();
    finish();
    run.send(...events.slice(13));
    run.close();
    expect(await screen.findByRole("group", { name: "Sources" })).toBeInTheDocument();
    expect(screen.getByRole("article")).not.toHaveAttribute("aria-busy");
    expect(screen.getByRole("button", { name: "Copy" })).toBeInTheDocument();
    expect(screen.queryByText("Writing")).not.toBeInTheDocument();
    expect(screen.getByText("The answer is finished.")).toBeInTheDocument();
  });

  it("goes on after a lost connection from where it was, with the same words", async () => {
    const { finish } = serveWriting();
    const events = eventsOf(anAnswer());
    const first = aStream();
    const after: string[] = [];
    server.use(
      http.get("*/api/runs/r1/events", ({ request }) => {
        const from = Number(new URL(request.url).searchParams.get("after"));
        after.push(String(from));
        if (after.length === 1) return stream(first.body);
        finish();
        return stream(events.filter((event) => event.id > from).map((event) => event.text).join(""));
      }),
    );
    show(<ChatPage />, someone());
    first.send(...events.slice(0, 11));
    await waitFor(() => expect(screen.getByRole("article")).toHaveTextContent("Efficiency is"));
    first.drop();
    expect(await screen.findByRole("group", { name: "Sources" })).toBeInTheDocument();
    expect(after).toEqual(["0", "11"]);
    const resumed = proseOf(screen.getByRole("article"));
    expect(resumed).toBe("Efficiency is 41 % at 75 % load.1It falls below half load.2");
  });

  it("shows identical text when the page is loaded again in the middle", async () => {
    const { finish } = serveWriting();
    const events = eventsOf(anAnswer());
    const run = aStream();
    server.use(http.get("*/api/runs/r1/events", () => stream(run.body)));
    const before = show(<ChatPage />, someone());
    run.send(...events.slice(0, 15));
    await waitFor(() => expect(screen.getByRole("article")).toHaveTextContent("75"));
    const text = proseOf(screen.getByRole("article"));
    before.unmount();

    const again = aStream();
    server.use(http.get("*/api/runs/r1/events", () => stream(again.body)));
    show(<ChatPage />, someone());
    await article();
    again.send(...events.slice(0, 15));
    await waitFor(() => expect(proseOf(screen.getByRole("article"))).toBe(text));
    finish();
    again.send(...events.slice(15));
    expect(await screen.findByRole("group", { name: "Sources" })).toBeInTheDocument();
  });

  it("is stopped by the button and keeps its words", async () => {
    const answer = anAnswer();
    const { finish } = serveWriting({ ...answer, state: "stopped", content: "No model:\n\n- Efficiency is" });
    const events = eventsOf(answer);
    const run = aStream();
    const stopped: string[] = [];
    server.use(
      http.get("*/api/runs/r1/events", () => stream(run.body)),
      http.post("*/api/runs/:id/stop", ({ params }) => {
        stopped.push(String(params["id"]));
        finish();
        run.send({ id: 50, text: `id: 50\nevent: done\ndata: ${JSON.stringify({ ...answer, state: "stopped", content: "No model:\n\n- Efficiency is" })}\n\n` });
        return new HttpResponse(null, { status: 202 });
      }),
    );
    show(<ChatPage />, someone());
    await article();
    run.send(...events.slice(0, 8));
    await userEvent.type(await screen.findByRole("textbox"), "{Escape}");
    expect(await screen.findByText("You stopped this answer.")).toBeInTheDocument();
    expect(stopped).toEqual(["r1"]);
    expect(proseOf(screen.getByRole("article"))).toBe("Efficiency is");
    expect(screen.getByRole("button", { name: "Send" })).toBeInTheDocument();
  });

  it("ends as interrupted when the server does not know the run any more", async () => {
    serveWriting();
    server.use(http.get("*/api/runs/r1/events", () => HttpResponse.json({ status: 404, detail: "There is no such run.", code: "not_found" }, { status: 404 })));
    show(<ChatPage />, someone());
    expect(await screen.findByText("The answer failed.")).toBeInTheDocument();
    expect(await screen.findByText(/The server was stopped while it wrote this answer/)).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Send" })).toBeInTheDocument();
  });
});

describe("asking on", () => {
  it("shows the question at once and follows its answer", async () => {
    serve();
    const run = aStream();
    server.use(
      http.post("*/api/conversations/c1/messages", async () => {
        await delay(20);
        return HttpResponse.json({ conversation: { id: "c1" }, run: { id: "r2" }, question: { id: "m3" }, answer: { id: "m4" } }, { status: 202 });
      }),
      http.get("*/api/runs/r2/events", () => stream(run.body)),
    );
    show(<ChatPage />, someone());
    await article();
    const box = screen.getByRole("textbox", { name: "Ask another question" });
    await userEvent.type(box, "And at half load?{Enter}");
    // The stored question takes the place of the one that was sent: which of them is found does not matter.
    await screen.findByText("And at half load?");
    expect(box).toHaveValue("");
    expect(await screen.findByRole("button", { name: "Stop writing" })).toBeInTheDocument();
    run.send(...eventsOf(anAnswer({ id: "m4", parent: "m3", run: "r2", content: "Words.\n\n- At half load 38 %. [1]" })).slice(0, 8));
    await waitFor(() => expect(screen.getAllByRole("article")[1]).toHaveTextContent("At half"));
    await userEvent.type(box, "Too early{Enter}");
    expect(box).toHaveValue("");
    const waiting = await screen.findByRole("list", { name: "Sent after this answer" });
    expect(waiting).toHaveTextContent("Too early");
    await userEvent.click(screen.getByRole("button", { name: "Take back: Too early" }));
    expect(screen.queryByText("Too early")).not.toBeInTheDocument();
  });

  it("shares the draft with the other tabs: neither text is lost", async () => {
    serve();
    let kept = { text: "from the ward", version: 7 };
    server.use(
      http.get("*/api/drafts/c1", () => HttpResponse.json(kept)),
      http.put("*/api/drafts/c1", async ({ request }) => {
        const next = (await request.json()) as { text: string; version: number };
        if (next.version !== kept.version) return HttpResponse.json({ status: 409, title: "", type: "", detail: "", code: "draft-changed" }, { status: 409 });
        kept = { text: next.text, version: kept.version + 1 };
        return HttpResponse.json(kept);
      }),
    );
    show(<ChatPage />, someone());
    const box = await screen.findByRole("textbox");
    await waitFor(() => expect(box).toHaveValue("from the ward"));
    await userEvent.type(box, ", at night");
    await waitFor(() => expect(kept).toEqual({ text: "from the ward, at night", version: 8 }), { timeout: 5_000 });
    // Another tab writes, and this one goes on before it hears of it.
    kept = { text: "elsewhere", version: 20 };
    await userEvent.type(box, "!");
    await waitFor(() => expect(box).toHaveValue("elsewhere\n\nfrom the ward, at night!"), { timeout: 5_000 });
    await waitFor(() => expect(kept.text).toBe("elsewhere\n\nfrom the ward, at night!"), { timeout: 5_000 });
  });

  it("gives the question back when it was not sent, with cause and cure", async () => {
    serve();
    let full = true;
    server.use(
      http.post("*/api/conversations/c1/messages", () =>
        full
          ? HttpResponse.json({ status: 503, detail: "200 answers wait already.", code: "busy", cure: "Try again in a minute.", request: "q-3" }, { status: 503 })
          : HttpResponse.json({ conversation: { id: "c1" }, run: { id: "r2" }, question: { id: "m3" }, answer: { id: "m4" } }, { status: 202 }),
      ),
      http.get("*/api/runs/r2/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    await article();
    const box = screen.getByRole("textbox");
    await userEvent.type(box, "Lost?{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("The question was not sent. 200 answers wait already. Try again in a minute.Request q-3");
    expect(box).toHaveValue("Lost?");
    full = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("button", { name: "Stop writing" })).toBeInTheDocument();
    expect(box).toHaveValue("");
  });

  it("begins new lines with Shift, and leaves Enter to the input method", async () => {
    serve();
    show(<ChatPage />, someone());
    const box = await screen.findByRole("textbox");
    await userEvent.type(box, "one{Shift>}{Enter}{/Shift}two");
    expect(box).toHaveValue("one\ntwo");
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, isComposing: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, keyCode: 229 }));
    expect(box).toHaveValue("one\ntwo");
  });

  it("keeps the draft of each chat while the page lives", async () => {
    serve();
    const at = someone();
    const first = show(<ChatPage />, at);
    await userEvent.type(await screen.findByRole("textbox"), "unfinished");
    first.unmount();
    const again = show(<ChatPage />, at);
    expect(await screen.findByRole("textbox")).toHaveValue("unfinished");
    again.unmount();
    show(<ChatPage />, someone());
    expect(await screen.findByRole("textbox")).toHaveValue("");
    expect(localStorage).toHaveLength(0);
  });

  it("asks the chosen knowledge", async () => {
    const bodies: unknown[] = [];
    serve([], aConversation({ knowledge: ["k2"] }));
    const base = { owner: "p", ownerName: "P", right: "read", size: 1, working: 0, createdAt: "", updatedAt: "" };
    server.use(
      http.get("*/api/knowledge", () =>
        HttpResponse.json({ items: [{ ...base, id: "k1", name: "Ward handbook", documents: 3 }, { ...base, id: "k2", name: "Pump manuals", documents: 1 }], next: "" }),
      ),
      http.post("*/api/conversations/c1/messages", async ({ request }) => {
        bodies.push(await request.json());
        return HttpResponse.json({ conversation: { id: "c1" }, run: { id: "r2" }, question: { id: "m3" }, answer: { id: "m4" } }, { status: 202 });
      }),
      http.get("*/api/runs/r2/events", () => stream(aStream().body)),
    );
    show(<ChatPage />, someone());
    await userEvent.click(await screen.findByRole("button", { name: "Knowledge: Pump manuals" }));
    await userEvent.click(await screen.findByRole("checkbox", { name: /Ward handbook/ }));
    expect(screen.getByRole("checkbox", { name: /Pump manuals/ })).toBeChecked();
    await userEvent.click(screen.getByRole("checkbox", { name: /Pump manuals/ }));
    await userEvent.keyboard("{Escape}");
    await userEvent.type(screen.getByRole("textbox"), "Who?{Enter}");
    await waitFor(() => expect(bodies).toEqual([{ message: "Who?", knowledge: ["k1"] }]));
  });
});
