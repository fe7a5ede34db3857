import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { describe, expect, it } from "vitest";
import { aConversation } from "@/test/answers";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ChatList } from "./chat-list";

const none = { items: [], next: "" };

describe("the list of chats", () => {
  const day = 86_400_000;
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

  it("groups by age and marks what is being answered", async () => {
    server.use(
      http.get("*/api/conversations", () =>
        HttpResponse.json({
          items: [aConversation({ id: "a", title: "New one", running: true }), aConversation({ id: "b", title: "Old one", updatedAt: ago(5 * day) }), aConversation({ id: "c", title: "Older one", updatedAt: ago(20 * day) })],
          next: "",
        }),
      ),
    );
    show(<ChatList />);
    expect(await screen.findByRole("region", { name: "Today" })).toHaveTextContent("New one");
    expect(screen.getByRole("region", { name: "Previous 7 days" })).toHaveTextContent("Old one");
    expect(screen.getByRole("region", { name: "Previous 30 days" })).toHaveTextContent("Older one");
    expect(screen.getByRole("img", { name: "Writing an answer" })).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "New one" })).toHaveAttribute("href", "/c/a");
  });

  it("says that there are none yet, and what went wrong", async () => {
    let broken = true;
    server.use(http.get("*/api/conversations", () => (broken ? HttpResponse.json({ status: 500, detail: "Broken.", code: "internal" }, { status: 500 }) : HttpResponse.json(none))));
    show(<ChatList />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The chats did not load. Broken.");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Your chats will be listed here.")).toBeInTheDocument();
  });

  it("loads more", async () => {
    server.use(
      http.get("*/api/conversations", ({ request }) =>
        HttpResponse.json(new URL(request.url).searchParams.get("cursor") === "2" ? { items: [aConversation({ id: "b", title: "Second page" })], next: "" } : { items: [aConversation({ id: "a", title: "First page" })], next: "2" }),
      ),
    );
    show(<ChatList />);
    await userEvent.click(await screen.findByRole("button", { name: "Load more chats" }));
    expect(await screen.findByRole("link", { name: "Second page" })).toBeInTheDocument();
  });

  it("renames in place, and back", async () => {
    const titles: unknown[] = [];
    server.use(
      http.get("*/api/conversations", () => HttpResponse.json({ items: [aConversation({ title: "First" })], next: "" })),
      http.patch("*/api/conversations/c1", async ({ request }) => {
        titles.push(await request.json());
        return HttpResponse.json(aConversation());
      }),
    );
    show(<ChatList />);
    (await screen.findByRole("link", { name: "First" })).focus();
    await userEvent.keyboard("{F2}");
    const field = await screen.findByRole("textbox", { name: "New title" });
    await userEvent.clear(field);
    await userEvent.type(field, "Second{Enter}");
    expect(await screen.findByText("Chat renamed")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(titles).toEqual([{ title: "Second" }, { title: "First" }]));
  });

  it("takes a deleted chat away at once and gives it back", async () => {
    const deleted: string[] = [];
    server.use(
      http.get("*/api/conversations", () => HttpResponse.json({ items: [aConversation({ title: "Unwanted" })], next: "" })),
      http.delete("*/api/conversations/:id", ({ params }) => {
        deleted.push(String(params["id"]));
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(<ChatList />);
    await userEvent.click(await screen.findByRole("button", { name: "More for Unwanted" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    expect(screen.queryByRole("link", { name: "Unwanted" })).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("link", { name: "Unwanted" })).toBeInTheDocument();
    expect(deleted).toEqual([]);
  });

  it("shows what is pinned first, the unread ones marked, and what lies in a folder when that is opened", async () => {
    server.use(
      http.get("*/api/chat/folders", () => HttpResponse.json({ items: [{ id: "f1", name: "Night shift", conversations: 1, createdAt: ago(day) }] })),
      http.get("*/api/conversations", ({ request }) =>
        HttpResponse.json(
          new URL(request.url).searchParams.get("folder") === "f1"
            ? { items: [aConversation({ id: "f", title: "Filed", folder: "f1" })], next: "" }
            : { items: [aConversation({ id: "a", title: "Kept", pinned: true, updatedAt: ago(20 * day) }), aConversation({ id: "b", title: "New", unread: true })], next: "" },
        ),
      ),
    );
    show(<ChatList />);
    expect(await screen.findByRole("region", { name: "Pinned" })).toHaveTextContent("Kept");
    expect(screen.getByRole("region", { name: "Today" })).toHaveTextContent("New");
    expect(screen.getByRole("img", { name: "New answer" })).toBeInTheDocument();
    const folder = await screen.findByRole("button", { name: "Night shift" });
    expect(screen.queryByRole("link", { name: "Filed" })).not.toBeInTheDocument();
    await userEvent.click(folder);
    expect(await screen.findByRole("link", { name: "Filed" })).toBeInTheDocument();
    expect(folder).toHaveAttribute("aria-expanded", "true");
  });

  it("pins, archives and files by the keyboard, and back", async () => {
    const changes: unknown[] = [];
    server.use(
      http.get("*/api/chat/folders", () => HttpResponse.json({ items: [] })),
      http.get("*/api/conversations", () => HttpResponse.json({ items: [aConversation({ title: "Shift plan" })], next: "" })),
      http.post("*/api/chat/folders", async ({ request }) => HttpResponse.json({ id: "f9", ...((await request.json()) as { name: string }), conversations: 0, createdAt: ago(0) }, { status: 201 })),
      http.patch("*/api/conversations/c1", async ({ request }) => {
        changes.push(await request.json());
        return HttpResponse.json(aConversation());
      }),
    );
    show(<ChatList />);
    await userEvent.click(await screen.findByRole("button", { name: "More for Shift plan" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Pin" }));
    expect(await screen.findByText("Chat pinned")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(changes).toEqual([{ pinned: true }, { pinned: false }]));
    (await screen.findByRole("button", { name: "More for Shift plan" })).focus();
    await userEvent.keyboard("{Enter}");
    await userEvent.click(await screen.findByRole("menuitem", { name: "Move to a folder…" }));
    await userEvent.type(await screen.findByRole("textbox", { name: "Name of the folder" }), "Night shift{Enter}");
    await waitFor(() => expect(changes.at(-1)).toEqual({ folder: "f9" }));
  });
});
