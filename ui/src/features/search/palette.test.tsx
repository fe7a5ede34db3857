import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it, vi } from "vitest";
import { aQuestion } from "@/test/answers";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { snippet } from "./highlight";
import Palette from "./palette";

const chat = (id: string, title: string) => ({ id, title, knowledge: [], model: "", running: false, createdAt: "2026-11-24T08:00:00Z", updatedAt: "2026-11-24T08:00:00Z" });
const passage = { chunk: 7, document: { id: "d1", title: "Engine test handbook" }, knowledge: "k1", page: 37, heading: "", start: 120, end: 180, text: "The efficiency at the brake.", score: 1, coverage: 1 };

function answers() {
  const asked: string[] = [];
  const chats: string[] = [];
  server.use(
    http.post("/api/search/conversations", async ({ request }) => {
      const { query } = (await request.json()) as { query: string };
      chats.push(query);
      const found = [{ conversation: chat("c1", "Brake efficiency of G2"), message: "m1", snippet: "The brake is efficient." }, { conversation: chat("c2", "Gas alarms") }];
      return HttpResponse.json({ items: query.includes("tag:") ? found.slice(1) : found.filter(({ conversation }) => conversation.title.toLowerCase().includes(query)), next: "" });
    }),
    http.get("/api/conversations/c1", () => HttpResponse.json({ conversation: chat("c1", "Brake efficiency of G2"), messages: [aQuestion({ content: "How good is the brake, in the whole test?" })], next: "" })),
    http.post("/api/search", async ({ request }) => {
      const { question } = (await request.json()) as { question: string };
      asked.push(question);
      return HttpResponse.json({ items: question.includes("eff") ? [passage] : [], next: "" });
    }),
  );
  return { asked, chats };
}

describe("the palette", () => {
  it("finds chats and passages, and opens the passage by the keyboard", async () => {
    const { asked } = answers();
    const close = vi.fn();
    const { router } = show(<Palette onClose={close} />);
    const user = userEvent.setup();
    expect(await screen.findByRole("option", { name: /Gas alarms/ })).toBeVisible();
    await user.type(screen.getByRole("combobox"), "eff");
    expect(await screen.findByRole("option", { name: /Engine test handbook.*at the brake/ })).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("option", { name: /Gas alarms/ })).not.toBeInTheDocument());
    expect(screen.getByRole("option", { name: /Brake.*of G2/ })).toBeVisible();
    expect(asked).toEqual(["eff"]);
    await user.keyboard("{ArrowUp}{Enter}");
    expect(close).toHaveBeenCalledOnce();
    await waitFor(() => expect(router.state.location.href).toBe("/documents/d1?from=120&to=180"));
  });

  it("shows a chat beside the list, and its words", async () => {
    answers();
    show(<Palette onClose={() => undefined} />);
    const user = userEvent.setup();
    await user.type(await screen.findByRole("combobox"), "brake");
    expect(await screen.findByRole("option", { name: /Brake.*The brake is efficient/ })).toBeVisible();
    expect(await screen.findByText(/in the whole test/)).toBeVisible();
  });

  it("narrows the chats by prefixes and then asks for nothing else", async () => {
    const { asked, chats } = answers();
    show(<Palette onClose={() => undefined} />);
    const user = userEvent.setup();
    await user.type(await screen.findByRole("combobox"), 'tag:"on call"');
    await waitFor(() => expect(chats.at(-1)).toBe('tag:"on call"'));
    await waitFor(() => expect(screen.queryByRole("option", { name: /Brake/ })).not.toBeInTheDocument());
    expect(screen.getAllByRole("option")).toHaveLength(1);
    expect(asked.filter((question) => question.includes("on call"))).toEqual([]);
  });

  it("goes to the pages one may open", async () => {
    answers();
    const { router } = show(<Palette onClose={() => undefined} />, { session: aSession({ role: "" }) });
    const user = userEvent.setup();
    expect(await screen.findByRole("option", { name: "Knowledge" })).toBeVisible();
    expect(screen.queryByRole("option", { name: "People" })).not.toBeInTheDocument();
    await user.click(screen.getByRole("option", { name: "Profile and settings" }));
    await waitFor(() => expect(router.state.location.href).toBe("/profile"));
  });

  it("says when nothing is found, and when the search failed", async () => {
    answers();
    show(<Palette onClose={() => undefined} />);
    const user = userEvent.setup();
    await user.type(await screen.findByRole("combobox"), "zzz");
    expect(await screen.findAllByText("Nothing found for “zzz”.")).not.toHaveLength(0);
    server.use(http.post("/api/search/conversations", () => HttpResponse.json({ status: 500, title: "", type: "", detail: "Something broke.", code: "internal" }, { status: 500 })));
    await user.type(screen.getByRole("combobox"), "y");
    expect(await screen.findByRole("alert")).toHaveTextContent("The search failed. Something broke.");
  });
});

describe("snippet", () => {
  it("keeps a short text and cuts a long one around the word", () => {
    expect(snippet("Short text.", ["text"])).toBe("Short text.");
    const long = `${"before ".repeat(30)}the efficiency is here ${"after ".repeat(30)}`;
    expect(snippet(long, ["efficiency"])).toMatch(/^….*efficiency.*…$/);
    expect(snippet(long, ["efficiency"]).length).toBeLessThan(100);
    expect(snippet(long, ["absent"])).toMatch(/^before.*…$/);
  });
});
