import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { ApiKeysCard } from "./api-keys-card";

const one = { id: "k1", name: "nightly upload", scopes: ["knowledge.write"], createdAt: "2026-11-20T10:00:00Z", expiresAt: "2027-02-18T10:00:00Z", expired: false, workspace: "w" };
let items: unknown[];
let sent: unknown[];
let fresh: boolean;

beforeEach(() => {
  items = [];
  sent = [];
  fresh = false;
  server.use(
    http.get("*/api/api-keys", () => HttpResponse.json({ items, scopes: ["chat", "knowledge.write"], maxDays: 365 })),
    http.post("*/api/api-keys", async ({ request }) => {
      sent.push(await request.json());
      if (!fresh) return HttpResponse.json({ type: "", title: "", status: 403, detail: "Refused.", code: "prove-again", request: "1", errors: [] }, { status: 403 });
      items = [one];
      return HttpResponse.json({ ...one, key: "chatets_secret" }, { status: 201 });
    }),
    http.get("*/api/factors", () => HttpResponse.json({ totp: false, recoveryCodes: 0, devices: 0, required: false, passkeys: [], passkeyOffer: false, serverName: "", password: true })),
    http.post("*/api/auth/prove", async ({ request }) => {
      expect(await request.json()).toEqual({ password: "seven grey herons" });
      fresh = true;
      return new HttpResponse(null, { status: 204 });
    }),
    http.delete("*/api/api-keys/k1", () => {
      items = [];
      return new HttpResponse(null, { status: 204 });
    }),
  );
});

it("makes a key after a proof, shows it once, and revokes it", async () => {
  const user = userEvent.setup();
  show(<ApiKeysCard />);
  await user.click(await screen.findByRole("button", { name: "Make a key" }));
  await user.click(screen.getByRole("button", { name: "Make a key" }));
  expect(screen.getByText("Say what it is for.")).toBeVisible();
  expect(screen.getByText("Choose at least one.")).toBeVisible();
  expect(sent).toEqual([]);
  await user.type(screen.getByLabelText("What it is for"), "nightly upload");
  await user.click(screen.getByLabelText("Change knowledge bases, add and delete documents"));
  await user.click(screen.getByRole("button", { name: "Make a key" }));
  await user.type(await screen.findByLabelText("Password"), "seven grey herons{Enter}");
  expect(await screen.findByText("chatets_secret")).toBeVisible();
  expect(sent.at(-1)).toEqual({ name: "nightly upload", scopes: ["knowledge.write"], days: 90 });
  await user.click(screen.getByRole("button", { name: "I have kept it" }));
  expect(screen.queryByText("chatets_secret")).toBeNull();
  await user.click(await screen.findByRole("button", { name: "Revoke the key nightly upload" }));
  await user.click(screen.getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(screen.queryByText("nightly upload")).toBeNull());
});
