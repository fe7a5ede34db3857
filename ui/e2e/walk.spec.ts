import { expect, test } from "@playwright/test";
import { inspect } from "./inspect";
import { type Service, startService } from "./service";
import { type Watch, watch } from "./watch";

const owner = { name: "Miriam Okafor", email: "m.okafor@northfield.lan", password: "seven grey herons" };

let service: Service;
let seen: Watch;

test.beforeEach(async ({ context }) => {
  service = await startService();
  seen = await watch(context, service.origin);
});
test.afterEach(async () => {
  await service.remove();
  expect(seen.wrong, "requests elsewhere, breaches of the policy, errors").toEqual([]);
});

test("from the set-up link to an answer with its source, and out again", async ({ page }) => {
  await test.step("whoever comes before the set-up is told", async () => {
    await page.goto(service.origin);
    await expect(page.getByRole("heading", { name: "ChatETS is not set up yet." })).toBeVisible();
    await inspect(page, "not-set-up");
  });

  await test.step("the link makes the owner", async () => {
    await page.goto(service.setupLink);
    await page.getByRole("heading", { name: "Set up ChatETS" }).waitFor();
    await inspect(page, "set-up");
    await page.getByLabel("Your name").fill(owner.name);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password", { exact: true }).fill(owner.password);
    await page.getByRole("button", { name: "Create the owner" }).click();
    await expect(page.getByRole("button", { name: `${owner.name}: menu` })).toBeVisible();
    await inspect(page, "start-empty");
  });

  await test.step("signing out and in leads back to where one was", async () => {
    await page.getByRole("button", { name: `${owner.name}: menu` }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in to ChatETS" })).toBeVisible();
    await inspect(page, "sign-in");
    seen.asked.length = 0;
    await page.goto(`${service.origin}/knowledge`);
    await page.getByLabel("E-mail").waitFor();
    expect(seen.asked.length, "requests of the sign-in page").toBeLessThanOrEqual(20);
    expect(seen.asked.filter((path) => path.startsWith("/api/")), "questions before anybody signed in").toEqual([]);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password", { exact: true }).fill(owner.password);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Knowledge", level: 1 })).toBeVisible();
    expect(new URL(page.url()).pathname).toBe("/knowledge");
  });

  await test.step("a knowledge base takes a document", async () => {
    await page.getByText("New knowledge base").first().waitFor();
    await inspect(page, "knowledge");
    await page.getByRole("button", { name: "New knowledge base" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Pharmacy");
    await dialog.getByRole("button", { name: "Create" }).click();
    await expect(page.getByRole("heading", { name: "Pharmacy", level: 1 })).toBeVisible();
    await inspect(page, "base-empty");
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await (await chooser).setFiles("e2e/documents/vaccine-storage.md");
    await expect(page.getByRole("row", { name: /Storing vaccines on the ward.*Ready/ })).toBeVisible({ timeout: 60_000 });
    await inspect(page, "base");
  });

  await test.step("the document can be read", async () => {
    await page.getByRole("link", { name: "Storing vaccines on the ward" }).click();
    await expect(page.getByRole("region", { name: "Text of the document" }).getByText("The temperature is read twice a day")).toBeVisible();
    await inspect(page, "document");
  });

  let address = "";
  await test.step("a question is answered from it", async () => {
    await page.getByRole("link", { name: "New chat" }).first().click();
    await page.getByRole("textbox", { name: "Ask a question" }).waitFor();
    await inspect(page, "start");
    await page.getByRole("textbox", { name: "Ask a question" }).fill("At what temperature are vaccines stored?");
    await page.keyboard.press("Enter");
    await expect(page.getByText(/stored between 2 °C and 8 °C/).first()).toBeVisible();
    await expect(page.getByRole("link", { name: /^Source 1: Storing vaccines on the ward/ }).first()).toBeVisible();
    await page.waitForURL("**/c/*");
    address = page.url();
    await inspect(page, "chat");
  });

  const answer = () => page.getByRole("main").getByRole("listitem").filter({ hasText: "stored between" }).first();
  await test.step("its key opens the passage, marked", async () => {
    await page.getByRole("link", { name: /^Source 1:/ }).first().click();
    const panel = page.getByRole("complementary", { name: "Sources" });
    const marked = panel.locator("mark").filter({ hasText: "between 2 °C and 8 °C" });
    await expect(marked).toBeVisible();
    await expect(marked).toBeInViewport();
    await inspect(page, "chat-source");
  });

  await test.step("a reload changes nothing of it", async () => {
    const before = await answer().innerText();
    await page.reload();
    await expect(answer()).toBeVisible();
    expect(await answer().innerText()).toBe(before);
    expect(page.url()).toContain(new URL(address).pathname);
  });

  await test.step("the search finds chat and document", async () => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search and commands" }).fill("vaccines");
    await expect(page.getByRole("option", { name: /Storing vaccines on the ward/ }).first()).toBeVisible();
    await inspect(page, "search");
    await page.keyboard.press("Escape");
  });

  await test.step("people are added", async () => {
    await page.goto(`${service.origin}/people`);
    await page.getByRole("button", { name: "Add a person" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Henrik Graf");
    await dialog.getByLabel("E-mail").fill("h.graf@northfield.lan");
    await inspect(page, "person-new");
    await dialog.getByRole("button", { name: "Add a person" }).click();
    await dialog.getByRole("button", { name: "Done" }).click();
    await expect(page.getByRole("row", { name: /Henrik Graf/ })).toBeVisible();
    await inspect(page, "people");
  });

  await test.step("the profile shows where one is signed in", async () => {
    await page.goto(`${service.origin}/profile`);
    await expect(page.getByText("Chrome on Linux")).toBeVisible();
    await inspect(page, "profile");
    await page.getByText("Deutsch", { exact: true }).click();
    await expect(page.getByRole("heading", { name: "Oberfläche" })).toBeVisible();
    await inspect(page, "profile-de");
    await page.getByText("English", { exact: true }).click();
    await expect(page.getByRole("heading", { name: "Interface" })).toBeVisible();
  });

  await test.step("after signing out nothing is left", async () => {
    await page.getByRole("button", { name: `${owner.name}: menu` }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("heading", { name: "Sign in to ChatETS" })).toBeVisible();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(kept).not.toMatch(/okafor|vaccine|stored/i);
    await page.goto(address);
    await expect(page.getByRole("heading", { name: "Sign in to ChatETS" })).toBeVisible();
    await expect(page.getByText("stored between")).toHaveCount(0);
  });
});

test("the page outlives a restart of the server", async ({ page }) => {
  seen.expect(/ERR_CONNECTION_REFUSED|WebSocket connection to|Failed to load resource/);
  await page.goto(service.setupLink);
  await page.getByLabel("Your name").fill(owner.name);
  await page.getByLabel("E-mail").fill(owner.email);
  await page.getByLabel("Password", { exact: true }).fill(owner.password);
  await page.getByRole("button", { name: "Create the owner" }).click();
  const composer = page.getByRole("textbox", { name: "Ask a question" });
  await composer.fill("A question I have not sent yet");

  await service.stop();
  await expect(page.getByText("No connection to the server.").first()).toBeVisible({ timeout: 60_000 });
  await inspect(page, "offline");
  await service.start();
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByRole("button", { name: "Try now" })).toHaveCount(0);
  await expect(composer).toHaveValue("A question I have not sent yet");
});
