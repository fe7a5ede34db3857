import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";
import { type Service, startService } from "./service";
import { type Watch, watch } from "./watch";

const owner = { name: "Ines Albrecht", email: "ines@northfield.lan", password: "nine quiet lanterns" };

let service: Service;
let seen: Watch;

test.beforeEach(async ({ context }) => {
  service = await startService();
  seen = await watch(context, service.origin);
});
test.afterEach(async ({ context }) => {
  // A page that still asks for its lists would find nobody.
  for (const page of context.pages()) await page.close();
  await service.remove();
  expect(seen.wrong, "requests elsewhere, breaches of the policy, errors").toEqual([]);
});

/** One look of axe, in the theme that is worn: the other walks look at all of them. */
async function clean(page: Page, what: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))));
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  expect.soft(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`), `${what}: what axe found`).toEqual([]);
}

async function ask(page: Page, question: string): Promise<void> {
  await page.goto(service.origin);
  await page.getByRole("textbox", { name: "Ask a question" }).fill(question);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Good answer" })).toBeVisible();
}

test("chats are kept in order, found again, shared and taken back", async ({ page, context }) => {
  await page.goto(service.setupLink);
  await page.getByLabel("Your name").fill(owner.name);
  await page.getByLabel("E-mail").fill(owner.email);
  await page.getByLabel("Password", { exact: true }).fill(owner.password);
  await page.getByRole("button", { name: "Create the owner" }).click();
  await expect(page.getByRole("button", { name: `${owner.name}: menu` })).toBeVisible();
  const sidebar = page.getByRole("complementary").first();
  const row = (title: string) => sidebar.getByRole("link", { name: title, exact: true });
  const menu = async (title: string, item: string) => {
    await row(title).hover();
    await sidebar.getByRole("button", { name: `More for ${title}` }).click();
    await page.getByRole("menuitem", { name: item, exact: true }).click();
  };
  await ask(page, "What belongs in a handover?");
  await ask(page, "What do I do when the cold store alarms?");

  await test.step("pin", async () => {
    await menu("What belongs in a handover?", "Pin");
    await expect(sidebar.getByRole("region", { name: "Pinned" }).getByRole("link", { name: "What belongs in a handover?" })).toBeVisible();
  });

  await test.step("fork from an answer", async () => {
    await page.getByRole("article").getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: "Fork from here" }).click();
    await expect(row("What do I do when the cold store alarms? (2)")).toBeVisible();
    await expect(page.getByRole("heading", { level: 1, name: "What do I do when the cold store alarms? (2)" })).toBeVisible();
  });

  await test.step("a folder, by the keyboard", async () => {
    await row("What do I do when the cold store alarms? (2)").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Move to a folder…" }).press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the folder").fill("Cold store");
    await page.keyboard.press("Enter");
    const folder = sidebar.getByRole("button", { name: "Cold store", exact: true });
    await folder.click();
    await expect(sidebar.getByRole("region", { name: "Folders" }).getByRole("link", { name: /cold store alarms\? \(2\)/ })).toBeVisible();
    await clean(page, "the list with a folder");
  });

  await test.step("found by a word of the answer, with a look at it", async () => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("folder:cold pharmacist");
    const found = page.getByRole("option", { name: /cold store alarms\? \(2\)/ });
    await expect(found).toBeVisible();
    await expect(page.getByRole("region", { name: "Preview" }).getByText(/pharmacist/).first()).toBeVisible();
    await clean(page, "the search");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  });

  await test.step("a draft is there in another tab, and after a reload", async () => {
    const box = page.getByRole("textbox", { name: "Ask another question" });
    const saved = page.waitForResponse((response) => response.url().includes("/api/drafts/") && response.request().method() === "PUT");
    await box.fill("And who is called");
    await saved;
    const other = await context.newPage();
    await other.goto(page.url());
    await expect(other.getByRole("textbox", { name: "Ask another question" })).toHaveValue("And who is called");
    await other.close();
    await page.reload();
    await expect(box).toHaveValue("And who is called");
    await box.fill("");
  });

  await test.step("share, and end the link", async () => {
    await page.getByRole("main").getByRole("button", { name: /^More for/ }).click();
    await page.getByRole("menuitem", { name: "Share…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    const link = await dialog.getByLabel("Link", { exact: true }).inputValue();
    const reader = await context.newPage();
    await reader.goto(link);
    await expect(reader.getByText(`Shared by ${owner.name}`)).toBeVisible();
    await clean(reader, "the shared chat");
    await dialog.getByRole("button", { name: "End the link" }).click();
    await expect(page.getByText("The link does not work any more")).toBeVisible();
    seen.expect(/status of 404/);
    await reader.reload();
    await expect(reader.getByRole("heading", { name: "This link does not work." })).toBeVisible();
    await reader.close();
  });

  await test.step("why an answer is bad", async () => {
    await page.getByRole("button", { name: "Bad answer" }).click();
    await page.getByRole("button", { name: "Wrong source" }).click();
    await clean(page, "the rating");
    await page.getByRole("button", { name: "Send", exact: true }).first().click();
    await expect(page.getByText("Thank you")).toBeVisible();
  });

  await test.step("delete, and undo", async () => {
    await menu("What belongs in a handover?", "Delete");
    await expect(row("What belongs in a handover?")).toHaveCount(0);
    await page.getByRole("button", { name: "Undo" }).last().click();
    await expect(row("What belongs in a handover?")).toBeVisible();
  });
});
