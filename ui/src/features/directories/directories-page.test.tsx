import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, expect, it } from "vitest";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { DirectoriesPage } from "./directories-page";
import { ScimPage } from "./scim-page";

const corp = {
  id: "d1", name: "corp", workspace: "w", enabled: true, hasPassword: true, createdAt: "2026-11-25T10:00:00Z", syncedAt: "2026-11-25T11:00:00Z",
  settings: { preset: "ad", urls: ["ldaps://dc1.clinic.example"], base: "dc=clinic,dc=example", everyMinutes: 60, rules: [{ group: "chat-admins", installation: "admin" }] },
  result: { people: 60, added: 1, changed: 0, disabled: 0, enabled: 0, missing: 0, skipped: 1, groups: 4, dryRun: true, full: true,
    problems: [{ dn: "cn=x", why: "It has no e-mail address." }], changes: [{ act: "add", dn: "cn=anna", name: "Anna" }] },
};
let sent: unknown[];

beforeEach(() => {
  sent = [];
  server.use(http.get("*/api/directories", () => HttpResponse.json({ items: [corp] })));
});

it("shows a dry run, and tests a directory with each literal question", async () => {
  server.use(
    http.post("*/api/directories/d1/test", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json({ ok: false, steps: [
        { name: "connect", ok: true, query: "dc1.clinic.example:636", answer: "10.0.0.4", millis: 3 },
        { name: "bind", ok: false, query: "svc@clinic.example", answer: "", error: "The directory refused the service account.", cure: "Enter its password again.", millis: 9 },
      ] });
    }),
  );
  show(<DirectoriesPage />);
  const user = userEvent.setup();
  expect(await screen.findByText("What a synchronisation would do")).toBeVisible();
  expect(screen.getByText("Changes (1)")).toBeVisible();
  expect(screen.getByText("chat-admins")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Test step by step" }));
  await user.type(screen.getByLabelText("Somebody to look for"), "anna");
  await user.click(screen.getByRole("button", { name: "Run the test" }));
  const steps = await screen.findAllByRole("listitem");
  const bind = steps.find((step) => within(step).queryByText("svc@clinic.example"));
  expect(bind).toHaveTextContent("The directory refused the service account. Enter its password again.");
  expect(sent).toEqual([{ person: "anna" }]);
});

it("adds a directory by its preset and names a wrong field", async () => {
  server.use(
    http.post("*/api/directories", async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json({ type: "", title: "", status: 422, detail: "Wrong.", code: "invalid", request: "1", errors: [{ field: "body.settings.base", sentence: "This is no DN." }] }, { status: 422 });
    }),
  );
  show(<DirectoriesPage />);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Add a directory" }));
  await user.type(screen.getByLabelText("Name"), "lab");
  await user.type(screen.getByLabelText("Addresses"), "ldaps://a.example ldaps://b.example");
  await user.type(screen.getByLabelText("Base"), "nowhere");
  await user.click(screen.getByRole("button", { name: "Add a directory" }));
  expect(await screen.findByText("This is no DN.")).toBeVisible();
  expect(sent).toEqual([{ name: "lab", settings: { preset: "ad", urls: ["ldaps://a.example", "ldaps://b.example"], base: "nowhere", groups: true, everyMinutes: 60, brakePercent: 20 } }]);
});

it("tells the token of an identity system once", async () => {
  let items: unknown[] = [];
  const client = { id: "s1", name: "entra", role: "member", url: "http://chat/scim/v2", workspace: "w", createdAt: "2026-11-25T10:00:00Z" };
  server.use(
    http.get("*/api/scim", () => HttpResponse.json({ items })),
    http.post("*/api/scim", () => {
      items = [client];
      return HttpResponse.json({ ...client, token: "scim-secret" }, { status: 201 });
    }),
  );
  show(<ScimPage />);
  const user = userEvent.setup();
  await user.type(await screen.findByLabelText("Name"), "entra");
  await user.click(screen.getByRole("button", { name: "Make its token" }));
  expect(await screen.findByText("scim-secret")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "I have entered it" }));
  expect(screen.queryByText("scim-secret")).toBeNull();
});
