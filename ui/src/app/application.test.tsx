import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse, ws } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { LanguageProvider } from "@/lib/words";
import { aSession } from "@/test/people";
import { server } from "@/test/server";
import Application from "./application";

const empty = () => HttpResponse.json({ items: [], next: "" });

beforeEach(() => {
  server.use(
    ws.link("ws://localhost:3000/api/notices").addEventListener("connection", () => undefined),
    http.get("/api/conversations", empty),
    http.get("/api/knowledge", empty),
    http.get("/api/people", empty),
    http.get("/api/sessions", empty),
  );
});

function open(path: string, session: Schema<"Session"> = aSession()) {
  history.replaceState(null, "", path);
  return render(
    <LanguageProvider language="en">
      <Application session={session} />
    </LanguageProvider>,
  );
}

const menu = () => screen.findByRole("button", { name: "Miriam Okafor: menu" });

describe("the frame", () => {
  it("leads everywhere by its navigation and marks where one is", async () => {
    open("/knowledge");
    const nav = within(await screen.findByRole("navigation", { name: "Main" }));
    expect(nav.getByRole("link", { name: "Knowledge" })).toHaveAttribute("aria-current", "page");
    const user = userEvent.setup();
    await user.click(nav.getByRole("link", { name: "New chat" }));
    expect(await screen.findByRole("textbox", { name: "Ask a question" })).toBeVisible();
    expect(nav.getByRole("link", { name: "New chat" })).toHaveAttribute("aria-current", "page");
    expect(nav.getByRole("link", { name: "Knowledge" })).not.toHaveAttribute("aria-current");
  });

  it("can be skipped by the keyboard", async () => {
    open("/profile");
    const skip = await screen.findByRole("link", { name: "Skip to the content" });
    skip.focus();
    await userEvent.setup().keyboard("{Enter}");
    expect(screen.getByRole("main")).toHaveFocus();
  });

  it("closes and opens its sidebar, by button and by keys", async () => {
    open("/profile");
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Close sidebar" }));
    expect(screen.queryByRole("navigation", { name: "Main" })).not.toBeInTheDocument();
    await user.click(await screen.findByRole("button", { name: "Open sidebar" }));
    expect(screen.getByRole("navigation", { name: "Main" })).toBeVisible();
    await user.keyboard("{Control>}{Shift>}s{/Shift}{/Control}");
    expect(screen.queryByRole("navigation", { name: "Main" })).not.toBeInTheDocument();
  });

  it("opens the search by keys and gives the focus back", async () => {
    open("/profile");
    await menu();
    const user = userEvent.setup();
    await user.keyboard("{Control>}k{/Control}");
    expect(await screen.findByRole("combobox", { name: "Search and commands" })).toHaveFocus();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("combobox")).not.toBeInTheDocument());
    await user.keyboard("{Control>}{Shift>}o{/Shift}{/Control}");
    expect(await screen.findByRole("textbox", { name: "Ask a question" })).toBeVisible();
  });

  it("says when an address leads nowhere", async () => {
    open("/nowhere/at/all");
    expect(await screen.findByText("This page does not exist.")).toBeVisible();
    await userEvent.setup().click(screen.getByRole("link", { name: "Go to the start page" }));
    expect(await screen.findByRole("textbox", { name: "Ask a question" })).toBeVisible();
  });

  it("sends whoever is inside already away from the doors", async () => {
    open("/sign-in");
    expect(await screen.findByRole("textbox", { name: "Ask a question" })).toBeVisible();
    expect(location.pathname).toBe("/");
  });
});

describe("the menu of the person", () => {
  it("offers people to administrators only", async () => {
    const { unmount } = open("/profile");
    const user = userEvent.setup();
    await user.click(await menu());
    expect(await screen.findByRole("menuitem", { name: "People" })).toBeVisible();
    unmount();
    open("/profile", aSession({ role: "", workspaceRole: "admin" }));
    await user.click(await menu());
    expect(await screen.findByRole("menuitem", { name: "Profile and settings" })).toBeVisible();
    expect(screen.queryByRole("menuitem", { name: "People" })).not.toBeInTheDocument();
  });

  it("changes the theme", async () => {
    open("/profile");
    const user = userEvent.setup();
    await user.click(await menu());
    await user.click(await screen.findByRole("menuitemradio", { name: "Dark" }));
    expect(document.documentElement).toHaveAttribute("data-theme", "dark");
    await user.click(await menu());
    await user.click(await screen.findByRole("menuitemradio", { name: "As the system" }));
    expect(document.documentElement).toHaveAttribute("data-theme", "light");
  });

  it("ends the session at the server", async () => {
    let ended = 0;
    server.use(
      http.post("/api/auth/logout", () => {
        ended++;
        return new HttpResponse(null, { status: 204 });
      }),
    );
    open("/profile");
    const user = userEvent.setup();
    await user.click(await menu());
    await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    await waitFor(() => expect(ended).toBe(1));
  });

  it("shows the workspaces of whoever has several", async () => {
    const one = aSession();
    open("/profile", { ...one, workspaces: [one.workspace, { id: "w2", name: "Laboratory" }] });
    const user = userEvent.setup();
    await user.click(await menu());
    expect(await screen.findByRole("menuitemradio", { name: "Main" })).toBeChecked();
    expect(screen.getByRole("menuitemradio", { name: "Laboratory" })).not.toBeChecked();
  });

  it("tells whoever is in no workspace what to do", async () => {
    open("/", { ...aSession(), workspace: { id: "", name: "" }, workspaces: [] });
    expect(await screen.findByText("You are in no workspace yet.")).toBeVisible();
    expect(screen.queryByRole("textbox", { name: "Ask a question" })).not.toBeInTheDocument();
  });
});
