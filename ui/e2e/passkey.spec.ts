import { expect, type Page, test } from "@playwright/test";
import { inspect } from "./inspect";
import { type Service, startService } from "./service";
import { type Watch, watch } from "./watch";

const owner = { name: "Miriam Okafor", email: "m.okafor@northfield.lan", password: "seven grey herons" };

let service: Service;
let origin: string;
let seen: Watch;

test.beforeEach(async ({ context }) => {
  service = await startService();
  // Browsers trust this name without TLS, and it is no address.
  origin = service.origin.replace("127.0.0.1", "localhost");
  seen = await watch(context, origin);
});
test.afterEach(async () => {
  const wrong = [...seen.wrong]; // a page that asks on after the end is no matter
  await service.remove();
  expect(wrong, "requests elsewhere, breaches of the policy, errors").toEqual([]);
});

/** A device that keeps passkeys and checks its holder. */
async function device(page: Page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return { passkeys: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length };
}

async function signOut(page: Page) {
  await page.getByRole("button", { name: `${owner.name}: menu` }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to ChatETS" })).toBeVisible();
}

test("a passkey is made, signs in, is a second step and a proof", async ({ page }) => {
  const phone = await device(page);

  await test.step("without a name there are none", async () => {
    await page.goto(service.setupLink.replace("127.0.0.1", "localhost"));
    await page.getByLabel("Your name").fill(owner.name);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password", { exact: true }).fill(owner.password);
    await page.getByRole("button", { name: "Create the owner" }).click();
    await page.getByRole("button", { name: `${owner.name}: menu` }).waitFor();
    await page.goto(`${origin}/profile`);
    await expect(page.getByText("Passkeys are bound to the name of the server, and it has none")).toBeVisible();
    const status = await page.evaluate(async () => {
      const { csrf } = (await (await fetch("/api/session")).json()) as { csrf: string };
      const put = await fetch("/api/settings/server.name", {
        method: "PUT", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify({ value: "localhost" }),
      });
      return put.status;
    });
    expect(status).toBe(200);
  });

  await test.step("one is made, with recovery codes", async () => {
    await page.goto(`${origin}/profile`);
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByLabel("What you call it").fill("Phone");
    await page.getByRole("button", { name: "Make the passkey" }).click();
    await expect(page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem")).toHaveCount(10);
    await page.getByRole("button", { name: "I have kept them" }).click();
    await expect(page.getByRole("button", { name: "Remove the passkey Phone" })).toBeVisible();
    expect(await phone.passkeys()).toBe(1);
    await inspect(page, "passkeys");
  });

  await test.step("it signs in alone", async () => {
    await signOut(page);
    await page.goto(`${origin}/sign-in`);
    await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
    await inspect(page, "sign-in-passkey");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await expect(page.getByRole("button", { name: `${owner.name}: menu` })).toBeVisible();
  });

  await test.step("it is the second step after the password", async () => {
    await signOut(page);
    await page.goto(`${origin}/profile`);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password", { exact: true }).fill(owner.password);
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Code" }).waitFor();
    await page.locator("form").getByRole("button", { name: "Sign in with a passkey" }).click();
    await expect(page.getByRole("heading", { name: owner.name, level: 1 })).toBeVisible();
  });

  await test.step("it proves who it is before it is removed", async () => {
    // The proof at the sign-in has grown old, for the page at least.
    const refusal = { type: "", title: "", status: 403, detail: "This needs to be sure that it is you.", code: "prove-again", request: "1", errors: [] };
    await page.route("**/api/factors/passkeys/*", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(refusal) }), { times: 1 });
    seen.expect(/status of 403/);
    await page.getByRole("button", { name: "Remove the passkey Phone" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Use a passkey" }).click();
    await expect(page.getByText("There is no second step yet.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Remove the passkey Phone" })).toHaveCount(0);
  });
});
