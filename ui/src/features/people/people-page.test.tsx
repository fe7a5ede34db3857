import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { aPerson, aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { PeoplePage } from "./people-page";

let people: Schema<"Person">[];

beforeEach(() => {
  people = [
    aPerson(),
    aPerson({ id: "p2", name: "Henrik Graf", email: "h.graf@northfield.lan", role: "", workspaceRole: "editor" }),
    aPerson({ id: "p3", name: "Inés Herrera", email: "i.herrera@northfield.lan", role: "auditor", workspaceRole: "guest", disabled: true }),
  ];
  delete people[1]?.lastActive;
  server.use(
    http.get("/api/people/factors", () => HttpResponse.json({ items: [{ person: "p2", methods: ["totp", "recovery"] }] })),
    http.get("/api/people", ({ request }) => {
      const q = new URL(request.url).searchParams.get("q") ?? "";
      return HttpResponse.json({ items: people.filter((p) => p.name.includes(q)), next: "" });
    }),
  );
});

const row = (name: string) => screen.getByRole("row", { name: new RegExp(name) });

describe("the people", () => {
  it("are listed with role, state and last activity", async () => {
    show(<PeoplePage />);
    await screen.findByText("Henrik Graf");
    expect(within(row("Miriam Okafor")).getByText("Owner")).toBeVisible();
    expect(within(row("Henrik Graf")).getByText("Editor")).toBeVisible();
    expect(within(row("Henrik Graf")).getByText("never")).toBeVisible();
    expect(within(row("Inés Herrera")).getByText("Auditor")).toBeVisible();
    expect(within(row("Inés Herrera")).getAllByText("Disabled")).not.toHaveLength(0);
  });

  it("are found by a part of the name, and the page says when nobody is", async () => {
    show(<PeoplePage />);
    const user = userEvent.setup();
    await screen.findByText("Henrik Graf");
    await user.type(screen.getByLabelText("Find by name or e-mail"), "Graf");
    await waitFor(() => expect(screen.queryByText("Inés Herrera")).not.toBeInTheDocument());
    expect(screen.getByText("Henrik Graf")).toBeVisible();
    await user.type(screen.getByLabelText("Find by name or e-mail"), "xx");
    expect(await screen.findByText("Nobody is called that.")).toBeVisible();
  });

  it("come page by page", async () => {
    const more = aPerson({ id: "p9", name: "Zoë Zimmer", email: "z@northfield.lan" });
    server.use(
      http.get("/api/people", ({ request }) =>
        new URL(request.url).searchParams.get("cursor") === "c1"
          ? HttpResponse.json({ items: [more], next: "" })
          : HttpResponse.json({ items: people, next: "c1" }),
      ),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Show more" }));
    expect(await screen.findByText("Zoë Zimmer")).toBeVisible();
    expect(screen.getByText("Henrik Graf")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Show more" })).not.toBeInTheDocument();
  });

  it("stay unseen to whoever is no administrator", async () => {
    show(<PeoplePage />, { session: aSession({ role: "", workspaceRole: "member" }) });
    expect(await screen.findByText("People are managed by administrators.")).toBeVisible();
    expect(screen.queryByRole("table")).not.toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Add a person" })).not.toBeInTheDocument();
  });

  it("give way to the cause and the cure when they do not load", async () => {
    server.use(
      http.get(
        "/api/people",
        () => HttpResponse.json({ status: 503, title: "", type: "", detail: "The database is busy.", cure: "Try again in a minute.", code: "unavailable", request: "0198f2c4" }, { status: 503 }),
        { once: true },
      ),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("The list did not load. The database is busy. Try again in a minute.");
    expect(alert).toHaveTextContent("0198f2c4");
    await user.click(within(alert).getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Henrik Graf")).toBeVisible();
  });
});

describe("adding a person", () => {
  it("sends what was entered and shows the person", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("/api/people", async ({ request }) => {
        sent.push(await request.json());
        const added = aPerson({ id: "p4", name: "Jonas Ilves", email: "j.ilves@northfield.lan", role: "" });
        people.push(added);
        return HttpResponse.json({ ...added, link: "http://chat/set-password#abc" }, { status: 201 });
      }),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Add a person" }));
    const dialog = await screen.findByRole("dialog", { name: "Add a person" });
    expect(within(dialog).getByLabelText("Name")).toHaveFocus();
    await user.keyboard("Jonas Ilves");
    await user.type(within(dialog).getByLabelText("E-mail"), "j.ilves@northfield.lan");
    await user.selectOptions(within(dialog).getByLabelText("In the workspace"), "Editor");
    await user.click(within(dialog).getByRole("button", { name: "Add a person" }));

    expect(await screen.findByText("Jonas Ilves may now sign in")).toBeVisible();
    expect(sent).toEqual([{ name: "Jonas Ilves", email: "j.ilves@northfield.lan", invite: true, workspaceRole: "editor" }]);
    expect(within(dialog).getByText("http://chat/set-password#abc")).toBeVisible();
    await user.click(within(dialog).getByRole("button", { name: "Done" }));
    expect(await screen.findByRole("row", { name: /Jonas Ilves/ })).toBeVisible();
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  });

  it("names what is missing, and what the server refuses, beside the field", async () => {
    server.use(
      http.post("/api/people", () =>
        HttpResponse.json(
          { status: 422, title: "", type: "", detail: "Wrong value.", code: "invalid", errors: [{ field: "body.email", sentence: "Somebody else has this address." }] },
          { status: 422 },
        ),
      ),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Add a person" }));
    const dialog = await screen.findByRole("dialog");
    await user.click(within(dialog).getByRole("button", { name: "Add a person" }));
    expect(within(dialog).getByLabelText("Name")).toHaveAccessibleDescription("Enter a name.");
    await user.type(within(dialog).getByLabelText("Name"), "Jonas");
    await user.type(within(dialog).getByLabelText("E-mail"), "h.graf@northfield.lan");
    await user.click(within(dialog).getByRole("button", { name: "Add a person" }));
    await waitFor(() => expect(within(dialog).getByLabelText("E-mail")).toHaveAccessibleDescription("Somebody else has this address."));
    expect(within(dialog).getByLabelText("E-mail")).toHaveFocus();
    expect(within(dialog).getByLabelText("Name")).toHaveValue("Jonas");
  });
});

describe("changing a person", () => {
  it("disables with a way back, and not oneself", async () => {
    const sent: unknown[] = [];
    server.use(
      http.patch("/api/people/p2", async ({ request }) => {
        const change = await request.json();
        sent.push(change);
        people = people.map((p) => (p.id === "p2" ? { ...p, ...(change as object) } : p));
        return HttpResponse.json(people[1]);
      }),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Actions for Miriam Okafor" }));
    expect(await screen.findByRole("menuitem", { name: "Change roles" })).toBeVisible();
    expect(screen.queryByRole("menuitem", { name: "Disable" })).not.toBeInTheDocument();
    await user.keyboard("{Escape}");

    await user.click(screen.getByRole("button", { name: "Actions for Henrik Graf" }));
    await user.click(await screen.findByRole("menuitem", { name: "Disable" }));
    expect(await screen.findByText("Henrik Graf is disabled and signed out")).toBeVisible();
    await waitFor(() => expect(within(row("Henrik Graf")).getAllByText("Disabled")).not.toHaveLength(0));
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(sent).toEqual([{ disabled: true }, { disabled: false }]));
    await waitFor(() => expect(within(row("Henrik Graf")).queryByText("Disabled")).not.toBeInTheDocument());
  });

  it("sends only the role that was changed, and shows why it was refused", async () => {
    const sent: unknown[] = [];
    server.use(
      http.patch("/api/people/p2", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1
          ? HttpResponse.json({ status: 403, title: "", type: "", detail: "Nobody can give a role above their own.", cure: "Ask an owner.", code: "role-too-high" }, { status: 403 })
          : HttpResponse.json(people[1]);
      }),
    );
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Actions for Henrik Graf" }));
    await user.click(await screen.findByRole("menuitem", { name: "Change roles" }));
    const dialog = await screen.findByRole("dialog", { name: "Roles of Henrik Graf" });
    await user.selectOptions(within(dialog).getByLabelText("In the installation"), "Auditor");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Nobody can give a role above their own. Ask an owner.");
    await user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("The roles of Henrik Graf are changed")).toBeVisible();
    expect(sent).toEqual([{ role: "auditor" }, { role: "auditor" }]);
  });

  it("offers the role of owner to owners only", async () => {
    show(<PeoplePage />, { session: aSession({ role: "admin" }) });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Actions for Henrik Graf" }));
    await user.click(await screen.findByRole("menuitem", { name: "Change roles" }));
    const options = within(await screen.findByLabelText("In the installation")).getAllByRole("option");
    expect(options.map((o) => o.textContent)).toEqual(["None", "Auditor", "Administrator"]);
  });

  it("makes a link to set a password with, shown once", async () => {
    server.use(http.post("/api/people/p2/password-link", () => HttpResponse.json({ link: "http://chat/set-password#xyz", expiresAt: "2026-12-02T10:00:00Z" }, { status: 201 })));
    show(<PeoplePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Actions for Henrik Graf" }));
    await user.click(await screen.findByRole("menuitem", { name: "Reset the password" }));
    const dialog = await screen.findByRole("dialog", { name: "A new password for Henrik Graf" });
    await user.click(within(dialog).getByRole("button", { name: "Make the link" }));
    expect(await within(dialog).findByText("http://chat/set-password#xyz")).toBeVisible();
  });
});
