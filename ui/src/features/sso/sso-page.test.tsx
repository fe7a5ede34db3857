import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import type { Provider } from "./queries";
import { SsoPage } from "./sso-page";

let items: Provider[];
let sent: [string, unknown][];

const admin = aSession({ role: "admin" });

function aProvider(change: Partial<Provider> = {}): Provider {
  return {
    id: "p1",
    kind: "oidc",
    name: "corp",
    workspace: "w1",
    enabled: true,
    hasSecret: true,
    people: 3,
    settings: { label: "Corporate", issuer: "https://sso.corp.test", clientId: "chatets", create: true, groups: true, rules: [{ group: "Admins", installation: "admin", role: "admin" }] },
    register: { redirect: "https://chat.test/api/auth/oidc/corp/callback" },
    failures: [{ at: new Date().toISOString(), code: "oidc-nonce", sentence: "The token was not made for this sign-in.", cure: "Sign in again." }],
    createdAt: new Date().toISOString(),
    ...change,
  };
}

beforeEach(() => {
  items = [aProvider()];
  sent = [];
  const takes = async (request: Request) => {
    const text = await request.text();
    const body: unknown = text ? JSON.parse(text) : undefined;
    sent.push([`${request.method} ${new URL(request.url).pathname}`, body]);
  };
  server.use(
    http.get("*/api/sso", () => HttpResponse.json({ items })),
    http.post("*/api/sso", async ({ request }) => {
      await takes(request);
      return HttpResponse.json(aProvider({ id: "p2", name: "second" }), { status: 201 });
    }),
    http.patch("*/api/sso/:id", async ({ request }) => {
      await takes(request);
      return HttpResponse.json(items[0]);
    }),
    http.delete("*/api/sso/:id", async ({ request }) => {
      await takes(request);
      items = [];
      return HttpResponse.json({ people: 3 });
    }),
    http.post("*/api/sso/:id/test", () =>
      HttpResponse.json({
        ok: false,
        steps: [
          { name: "address", ok: true, query: "base-url", answer: "https://chat.test", millis: 0 },
          { name: "discovery", ok: false, query: "GET https://sso.corp.test/.well-known/openid-configuration", answer: "", error: "sso.corp.test cannot be reached.", cure: "Check that it runs.", millis: 12 },
        ],
      }),
    ),
  );
});

const act = async (name: string) => {
  await userEvent.click(await screen.findByRole("button", { name: "More for corp" }));
  await userEvent.click(await screen.findByRole("menuitem", { name }));
};

describe("the page of single sign-on", () => {
  it("shows what to register, who came and what failed", async () => {
    show(<SsoPage />, { session: admin });
    expect(await screen.findByText("Corporate")).toBeVisible();
    expect(screen.getByText("https://chat.test/api/auth/oidc/corp/callback")).toBeVisible();
    expect(screen.getByText(/3 people have come from it/)).toBeVisible();
    await userEvent.click(screen.getByText(/Sign-ins that came to nothing lately/));
    expect(screen.getByText(/The token was not made for this sign-in/)).toBeVisible();
  });

  it("tests a provider step by step", async () => {
    show(<SsoPage />, { session: admin });
    await userEvent.click(await screen.findByRole("button", { name: "Test" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Test of corp" }));
    expect(await dialog.findByText(/sso.corp.test cannot be reached/)).toBeVisible();
    expect(dialog.getByText("Check that it runs.")).toBeVisible();
  });

  it("changes a provider and keeps what it does not show", async () => {
    show(<SsoPage />, { session: admin });
    await act("Change");
    const dialog = within(await screen.findByRole("dialog", { name: "Change corp" }));
    await userEvent.click(dialog.getByRole("checkbox", { name: /Link identities/ }));
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toEqual(["PATCH /api/sso/p1", { settings: { ...items[0]?.settings, linkByEmail: true, scopes: ["profile", "email"], hosts: [] } }]);
  });

  it("adds a SAML provider by its metadata", async () => {
    items = [];
    show(<SsoPage />, { session: admin });
    expect(await screen.findByText("No identity provider yet")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Add a provider" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Add a provider" }));
    await userEvent.selectOptions(dialog.getByRole("combobox", { name: "Protocol" }), "SAML 2.0");
    await userEvent.type(dialog.getByRole("textbox", { name: "Short name" }), "adfs");
    await userEvent.type(dialog.getByRole("textbox", { name: "Metadata of the provider (XML)" }), "<EntityDescriptor/>");
    await userEvent.click(dialog.getByRole("button", { name: "Add a provider" }));
    await waitFor(() => expect(sent[0]).toEqual(["POST /api/sso", { kind: "saml", name: "adfs", settings: { create: true, groups: true, rules: [], metadata: "<EntityDescriptor/>" } }]));
  });

  it("removes a provider after asking", async () => {
    show(<SsoPage />, { session: admin });
    await act("Remove");
    const dialog = within(await screen.findByRole("dialog", { name: "Remove corp?" }));
    await userEvent.click(dialog.getByRole("button", { name: "Remove" }));
    expect(await screen.findByText("No identity provider yet")).toBeVisible();
    expect(sent).toEqual([["DELETE /api/sso/p1", undefined]]);
  });

  it("is for administrators", async () => {
    show(<SsoPage />, { session: aSession({ role: "" }) });
    expect(await screen.findByText("This page is for administrators.")).toBeVisible();
  });
});
