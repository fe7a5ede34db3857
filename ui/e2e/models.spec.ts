import { expect, type Page, test } from "@playwright/test";
import { inspect } from "./inspect";
import { buildModelServer, type ModelServer, startModelServer } from "./model-server";
import { type Service, startService } from "./service";
import { type Watch, watch } from "./watch";

const owner = { name: "Miriam Okafor", email: "m.okafor@northfield.lan", password: "seven grey herons" };
const question = "At what temperature are vaccines stored?";

// A model that stalls stands still until it is stopped, and only the first time
// ("x1"): so a state lasts as long as it is looked at, however slow the machine is.
// Such a model is asked in a new chat: a later question is first put in other words
// for the search, and that request would have the fault.
const ward = "ward:think=12,vision,tools,ctx=8192";
const broken = "broken:say=word=40,fault=midstream@12x1";
const cold = "cold:load=10m";
const long = "long:say=word=60,fault=stall@25x1";
const musing = "musing:think=30,fault=stall@14x1";

let service: Service;
let server: ModelServer;
let seen: Watch;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  await buildModelServer();
});
test.beforeEach(async ({ context }) => {
  test.setTimeout(900_000);
  server = await startModelServer([ward, broken, cold, long, musing]);
  service = await startService();
  seen = await watch(context, service.origin);
});
test.afterEach(async ({ context }) => {
  // A page that is open would ask a service that has ended.
  for (const page of context.pages()) await page.close();
  await service.remove();
  await server.remove();
  expect(seen.wrong, "requests elsewhere, breaches of the policy, errors").toEqual([]);
});

const answers = (page: Page) => page.getByRole("article", { name: "Answer" });
const last = (page: Page) => answers(page).last();
const patience = { timeout: 60_000 };

async function choose(page: Page, model: string): Promise<void> {
  await page.getByRole("button", { name: /^Model: / }).click();
  await page.getByRole("combobox", { name: "Find a model" }).fill(model);
  await page.getByRole("option", { name: new RegExp(`^${model}`) }).click();
  await expect(page.getByRole("button", { name: new RegExp(`^Model: ${model}`) })).toBeVisible();
}

async function ask(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: /^Ask a/ }).fill(text);
  await page.keyboard.press("Enter");
}

const finished = (page: Page) => expect(page.getByRole("button", { name: "Stop writing" })).toHaveCount(0, patience);

test("from a model server to answers a model writes", async ({ page, context }) => {
  await test.step("set up, with a document", async () => {
    await page.goto(service.setupLink);
    await page.getByLabel("Your name").fill(owner.name);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password", { exact: true }).fill(owner.password);
    await page.getByRole("button", { name: "Create the owner" }).click();
    await page.getByRole("button", { name: `${owner.name}: menu` }).waitFor();
    await page.goto(`${service.origin}/knowledge`);
    await page.getByRole("button", { name: "New knowledge base" }).first().click();
    await page.getByRole("dialog").getByLabel("Name").fill("Pharmacy");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.getByRole("heading", { name: "Pharmacy", level: 1 }).waitFor();
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await (await chooser).setFiles("e2e/documents/vaccine-storage.md");
    await expect(page.getByRole("row", { name: /Storing vaccines on the ward.*Ready/ })).toBeVisible(patience);
  });

  await test.step("a wrong address is told with its cure, the right one is connected", async () => {
    await page.goto(`${service.origin}/admin/models`);
    await page.getByText("No model server is connected").waitFor();
    await inspect(page, "models-none");
    await page.getByRole("button", { name: "Connect a server" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Ward server");
    await dialog.getByLabel("Address").fill("http://127.0.0.1:9");
    await dialog.getByRole("button", { name: "Test the connection" }).click();
    await expect(dialog.getByRole("status").filter({ hasText: /Connect.*failed/ })).toBeVisible(patience);
    await inspect(page, "models-server-wrong");
    await dialog.getByLabel("Address").fill(server.url);
    await dialog.getByRole("button", { name: "Test the connection" }).click();
    await expect(dialog.getByRole("status").filter({ hasText: /List models.*worked/ })).toBeVisible(patience);
    await inspect(page, "models-server-tested");
    for (const size of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
      await page.setViewportSize(size);
      for (const name of ["Close", "Test the connection", "Cancel", "Connect a server"]) {
        await expect(dialog.getByRole("button", { name, exact: true }), `${name}, ${size.width} wide`).toBeInViewport({ ratio: 1 });
      }
    }
    await dialog.getByRole("button", { name: "Connect a server" }).click();
    await expect(dialog).toHaveCount(0, patience);
    await expect(page.getByText("Running", { exact: true })).toBeVisible(patience);
    await expect(page.getByRole("tab", { name: /^Models/ })).toContainText("5", patience);
    await inspect(page, "models-servers");
  });

  await test.step("its history", async () => {
    await page.getByRole("button", { name: "Actions for Ward server" }).click();
    await page.getByRole("menuitem", { name: "History" }).click();
    await expect(page.getByRole("dialog").getByText("Running").first()).toBeVisible();
    await inspect(page, "models-history");
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  });

  await test.step("a model gets a name, an alias, an access list, and is the default", async () => {
    await page.getByRole("tab", { name: /^Models/ }).click();
    await expect(page.getByRole("row").filter({ hasText: ward })).toBeVisible();
    await page.getByRole("button", { name: `Actions for ${ward}` }).click();
    await page.getByRole("menuitem", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Shown as").fill("Ward assistant");
    await dialog.getByLabel("Other names").fill("ward-assistant");
    await dialog.getByLabel("Everyone may use it").uncheck();
    await dialog.getByLabel("Find people and groups").fill("Miriam");
    await dialog.getByRole("button", { name: `Add ${owner.name}` }).click();
    await expect(dialog.getByRole("button", { name: `Remove ${owner.name}` })).toBeVisible();
    await inspect(page, "models-model");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog).toHaveCount(0);
    await page.getByRole("button", { name: "Actions for Ward assistant" }).click();
    await page.getByRole("menuitem", { name: "Make it the default" }).click();
    await expect(page.getByRole("row", { name: /Ward assistant.*Default/ })).toBeVisible();
    await inspect(page, "models-models");
  });

  await test.step("a file that is no model is refused", async () => {
    seen.expect(/Failed to load resource: the server responded with a status of 4\d\d/);
    await page.getByRole("tab", { name: "Model files" }).click();
    await page.getByText("No model file yet").waitFor();
    await inspect(page, "models-files-empty");
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Upload a model file" }).click();
    await (await chooser).setFiles({ name: "notes.gguf", mimeType: "application/octet-stream", buffer: Buffer.from("no model at all") });
    await expect(page.getByText(/^notes\.gguf was not uploaded\..*its content does not begin like that of a model/)).toBeVisible(patience);
    await inspect(page, "models-files-refused");
  });

  await test.step("the picker says what the models can", async () => {
    await page.goto(service.origin);
    await page.getByRole("button", { name: "Model: Ward assistant" }).click();
    await expect(page.getByRole("option", { name: /Ward assistant.*Default.*Thinks.*Sees images.*Uses tools/ })).toBeVisible();
    await expect(page.getByRole("option", { name: /^cold.*Is loaded first/ })).toBeVisible();
    await inspect(page, "model-picker");
    await page.keyboard.press("Escape");
  });

  await test.step("an answer with its thoughts, its source and the meter", async () => {
    await ask(page, question);
    await page.waitForURL("**/c/*", patience);
    await finished(page);
    await expect(last(page)).toContainText("stored between 2 °C and 8 °C", patience);
    await expect(page.getByRole("button", { name: /^Context: .* tokens used$/ })).toBeVisible();
    await inspect(page, "model-answer");
    const fold = last(page).getByRole("button", { name: /thought/i }).first();
    await expect(fold).toHaveAttribute("aria-expanded", "false");
    await fold.click();
    await expect(last(page).getByRole("group", { name: "What the model thought" })).toBeVisible();
    await inspect(page, "model-answer-thoughts");
    await fold.click();
    await last(page).getByRole("link", { name: /^Source 1:/ }).first().click();
    await expect(page.getByRole("complementary", { name: "Sources" }).locator("mark").first()).toBeVisible();
    await inspect(page, "model-answer-source");
    await page.getByRole("button", { name: "Sources panel" }).click();
  });

  await test.step("what it took, and the receipt", async () => {
    await last(page).getByRole("button", { name: "About this answer" }).click();
    await page.getByRole("button", { name: "Show the receipt" }).waitFor();
    await inspect(page, "model-info");
    await page.getByRole("button", { name: "Show the receipt" }).click();
    await expect(page.getByRole("dialog").getByText("What the model was given", { exact: true })).toBeVisible();
    await inspect(page, "model-receipt");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  });

  await test.step("a cold model is loaded, and the wait can be left", async () => {
    await choose(page, "cold");
    await ask(page, "How often is the temperature read?");
    await expect(page.getByText(/^Loading cold/).first()).toBeVisible(patience);
    await inspect(page, "model-loading");
    await page.getByRole("button", { name: "Stop writing" }).click();
    await finished(page);
    await expect(last(page).getByText("You stopped this answer.")).toBeVisible();
  });

  await test.step("a model thinks", async () => {
    await page.goto(service.origin);
    await choose(page, "musing");
    await ask(page, "Who decides after a power cut?");
    const fold = last(page).getByRole("button", { name: /thinking/i });
    await expect(fold).toBeVisible(patience);
    await fold.click();
    await expect(last(page).getByRole("group", { name: "What the model thought" })).toBeVisible();
    await inspect(page, "model-thinking");
    await page.getByRole("button", { name: "Stop writing" }).click();
    await finished(page);
  });

  await test.step("an answer in the middle: reload, second tab, stop, continue", async () => {
    await page.goto(service.origin);
    await choose(page, "long");
    await ask(page, "What is done with vaccines that are returned?");
    await page.waitForURL("**/c/*", patience);
    await expect(last(page)).toContainText("w25", patience);
    await inspect(page, "model-writing");
    const text = await last(page).locator("p").first().innerText();
    await page.reload();
    await expect(last(page)).toContainText("w25", patience);
    expect(await last(page).locator("p").first().innerText()).toBe(text);
    const second = await context.newPage();
    await second.goto(page.url());
    await expect(last(second)).toContainText("w25", patience);
    await page.getByRole("button", { name: "Stop writing" }).click();
    await expect(last(page).getByText("You stopped this answer.")).toBeVisible(patience);
    await expect(last(second).getByText("You stopped this answer.")).toBeVisible(patience);
    await inspect(page, "model-stopped");
    await last(page).getByRole("button", { name: "Continue" }).click();
    await expect(last(page)).toContainText("w24 w25 w26", patience);
    await expect(last(page)).toContainText("w60", patience);
    await expect(last(second)).toContainText("w60", patience);
    await finished(page);
    await second.close();
  });

  await test.step("versions, by the same model and by another", async () => {
    const version = (n: number, of: number) => last(page).getByRole("group", { name: `Version ${n} of ${of}` });
    await last(page).getByRole("button", { name: "Ask again" }).click();
    await page.getByRole("menuitem", { name: /^long.* again$/ }).click();
    await expect(version(2, 2)).toBeVisible(patience);
    await finished(page);
    await last(page).getByRole("button", { name: "Ask again" }).click();
    await inspect(page, "model-again");
    await page.getByRole("menuitem", { name: "Ward assistant" }).click();
    await expect(version(3, 3)).toBeVisible(patience);
    await finished(page);
    await expect(last(page)).not.toContainText("w60");
    await last(page).getByRole("button", { name: "Version before" }).click();
    await expect(version(2, 3)).toBeVisible();
    await expect(last(page)).toContainText("w60");
    await inspect(page, "model-versions");
  });

  await test.step("a question is put in other words", async () => {
    const asked = page.getByRole("listitem").filter({ hasText: "vaccines that are returned" });
    await asked.last().hover();
    await page.getByRole("button", { name: "Edit", exact: true }).last().click();
    const editor = page.getByRole("textbox", { name: "Edit the question" });
    await editor.fill("Within which time do vaccines go back?");
    await inspect(page, "model-edit");
    await page.getByRole("button", { name: "Save and send" }).click();
    await expect(editor).toHaveCount(0);
    await expect(page.getByText("Within which time do vaccines go back?").first()).toBeVisible(patience);
    await finished(page);
  });

  await test.step("an answer that breaks off says why, and is tried again", async () => {
    await page.goto(service.origin);
    await choose(page, "broken");
    await ask(page, "Where is the log kept?");
    await expect(last(page).getByRole("button", { name: "Try again" })).toBeVisible(patience);
    await inspect(page, "model-failed");
    await last(page).getByRole("button", { name: "Try again" }).click();
    await expect(last(page)).toContainText("w40", patience);
    await finished(page);
  });

  await test.step("a message that is too long is refused with the number", async () => {
    await choose(page, "Ward assistant");
    await page.getByRole("textbox", { name: /^Ask a/ }).fill("2–8 °C ".repeat(4_000));
    await expect(page.getByText(/The message has about [\d,]+ tokens; the model takes at most [\d,]+\./).first()).toBeVisible();
    await expect(page.getByRole("button", { name: "Send" })).toHaveAttribute("aria-disabled", "true");
    await inspect(page, "model-too-long");
  });
});
