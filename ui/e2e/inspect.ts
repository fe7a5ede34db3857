import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const desk = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function wear(page: Page, theme: string): Promise<void> {
  await page.evaluate((name) => {
    document.documentElement.dataset["theme"] = name;
  }, theme);
  // Colours move for a moment; a contrast is measured when they stand still.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))));
}

async function check(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
  // A menu and a tooltip belong to their button, wherever in the page they hang; of what floats axe knows that of dialogs only.
  const floats = (id: string, node: { target: unknown[] }) => id === "region" && /^(div)?\[data-radix-popper-content-wrapper=""\]$/.test(node.target.join(" "));
  const found = violations.map((v) => ({ ...v, nodes: v.nodes.filter((node) => !floats(v.id, node)) })).filter((v) => v.nodes.length > 0);
  const told = found.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.target.join(" ")} ${n.failureSummary ?? ""}`).join("\n")}`);
  expect.soft(told, `${what}: what axe found`).toEqual([]);
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(spill, `${what}: the page is wider than its window`).toBeLessThanOrEqual(0);
}

/**
 * Looks at the page as it stands: axe and a picture in light, dark and high
 * contrast, and on the width of a phone. The pictures go to test-results/look.
 */
export async function inspect(page: Page, name: string): Promise<void> {
  const before = await page.evaluate(() => document.documentElement.dataset["theme"] ?? "light");
  const picture = (kind: string) => page.screenshot({ path: `test-results/look/${name}-${kind}.png` });
  for (const theme of ["light", "dark", "contrast"]) {
    await wear(page, theme);
    await picture(theme);
    await check(page, `${name}, ${theme}`);
  }
  await page.setViewportSize(phone);
  for (const theme of ["light", "dark"]) {
    await wear(page, theme);
    await picture(`phone-${theme}`);
    await check(page, `${name}, phone, ${theme}`);
  }
  await page.setViewportSize(desk);
  await wear(page, before);
}
