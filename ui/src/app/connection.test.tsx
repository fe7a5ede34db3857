import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse, ws } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { api, setCSRF } from "@/api/client";
import { PeoplePage } from "@/features/people/people-page";
import { aPerson, aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { Connection } from "./connection";

const notices = ws.link("ws://localhost:3000/api/notices");
const refused = (status: number, code: string) =>
  HttpResponse.json({ type: "", title: "", status, detail: "Refused.", code }, { status });

beforeEach(() => {
  server.use(
    notices.addEventListener("connection", () => undefined),
    http.get("/api/session", () => HttpResponse.json(aSession())),
  );
});

const page = (
  <>
    <Connection />
    <PeoplePage />
  </>
);

describe("notices", () => {
  it("show what somebody else has changed", async () => {
    let people = [aPerson()];
    const connected = new Promise<{ send: (text: string) => void }>((resolve) => {
      server.use(
        notices.addEventListener("connection", ({ client }) => resolve(client)),
        http.get("/api/people", () => HttpResponse.json({ items: people, next: "" })),
      );
    });
    show(page);
    expect(await screen.findByText("Miriam Okafor")).toBeVisible();
    people = [...people, aPerson({ id: "p2", name: "Henrik Graf", email: "h.graf@northfield.lan" })];
    (await connected).send('{"noun":"person","id":"p2"}');
    expect(await screen.findByText("Henrik Graf")).toBeVisible();
  });
});

describe("an ended session", () => {
  it("asks for the password over the page and keeps the page", async () => {
    let ended = false;
    let csrf = "";
    server.use(
      http.get("/api/people", () => (ended ? refused(401, "unauthenticated") : HttpResponse.json({ items: [aPerson()], next: "" }))),
      http.post("/api/auth/login", () => {
        ended = false;
        return HttpResponse.json({ expiresAt: "", person: aPerson(), csrf: "c2" });
      }),
      http.get("/api/session", () => HttpResponse.json({ ...aSession(), csrf: "c2" })),
      http.post("/api/people", ({ request }) => {
        csrf = request.headers.get("X-CSRF-Token") ?? "";
        return HttpResponse.json(aPerson(), { status: 201 });
      }),
    );
    const { queries } = show(page);
    const user = userEvent.setup();
    const search = await screen.findByLabelText("Find by name or e-mail");
    await screen.findByText("Miriam Okafor");
    ended = true;
    await user.type(search, "M");

    expect(await screen.findByRole("dialog", { name: "Sign in again" })).toBeVisible();
    expect(screen.getByLabelText("E-mail or user name")).toHaveValue("m.okafor@northfield.lan");
    await waitFor(() => expect(screen.getByLabelText("Password")).toHaveFocus());
    await user.keyboard("{Escape}");
    expect(screen.getByRole("dialog", { name: "Sign in again" })).toBeVisible();
    await user.type(screen.getByLabelText("Password"), "correct horse{Enter}");

    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(screen.getByLabelText("Find by name or e-mail")).toHaveValue("M");
    expect(await screen.findByText("Miriam Okafor")).toBeVisible();
    await api.POST("/api/people", { body: { name: "", email: "", password: "" } });
    expect(csrf).toBe("c2");
    queries.clear();
  });
});

describe("a session begun in another tab", () => {
  it("is taken over without the person noticing", async () => {
    setCSRF("old");
    const tokens: (string | null)[] = [];
    server.use(
      http.get("/api/people", () => HttpResponse.json({ items: [aPerson(), aPerson({ id: "p2", name: "Henrik Graf" })], next: "" })),
      http.get("/api/session", () => HttpResponse.json({ ...aSession(), csrf: "new" })),
      http.patch("/api/people/p2", ({ request }) => {
        tokens.push(request.headers.get("X-CSRF-Token"));
        return tokens.at(-1) === "new" ? HttpResponse.json(aPerson({ id: "p2", name: "Henrik Graf", disabled: true })) : refused(403, "csrf");
      }),
    );
    show(page);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Actions for Henrik Graf" }));
    await user.click(await screen.findByRole("menuitem", { name: "Disable" }));
    expect(await screen.findByText("Henrik Graf is disabled and signed out")).toBeVisible();
    expect(tokens).toEqual(["old", "new"]);
  });
});

describe("a server out of reach", () => {
  it("is noticed by the broken socket, though nobody asked anything", async () => {
    let away = false;
    const connected = new Promise<{ close: () => void }>((resolve) => {
      server.use(
        notices.addEventListener("connection", ({ client }) => resolve(client)),
        http.get("/api/people", () => HttpResponse.json({ items: [aPerson()], next: "" })),
        http.get("/api/session", () => (away ? HttpResponse.error() : HttpResponse.json(aSession()))),
      );
    });
    show(page);
    const client = await connected;
    away = true;
    client.close();
    expect(await screen.findByText("No connection to the server.", { selector: "strong" })).toBeVisible();
  });

  it("is said with the time of the next attempt, and is over when it answers", async () => {
    let away = false;
    server.use(
      http.get("/api/people", () => (away ? HttpResponse.error() : HttpResponse.json({ items: [aPerson()], next: "" }))),
      http.get("/api/session", () => (away ? HttpResponse.error() : HttpResponse.json(aSession()))),
    );
    const { queries } = show(page);
    await screen.findByText("Miriam Okafor");
    away = true;
    void queries.invalidateQueries();
    expect(await screen.findByText("No connection to the server.", { selector: "strong" })).toBeVisible();
    expect(await screen.findByText(/Trying again in \d+ second/)).toBeVisible();
    // What was loaded stays on the page.
    expect(screen.getByText("Miriam Okafor")).toBeVisible();

    away = false;
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Try now" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "Try now" })).not.toBeInTheDocument());
    expect(await screen.findByText("The server is back.")).toBeInTheDocument();
  });
});
