import type { BrowserContext, Page } from "@playwright/test";

/** What must not happen while somebody uses the pages. */
export interface Watch {
  /** All that was seen and should not have been, in words. */
  wrong: string[];
  /** Addresses that were asked for, in order. */
  asked: string[];
  /** Errors of the console that belong to what a test does on purpose. */
  expect: (pattern: RegExp) => void;
}

/**
 * Listens to every page of a context: a request to another origin, a breach of the
 * content security policy, an error in the console or a page that throws is kept.
 */
export async function watch(context: BrowserContext, origin: string): Promise<Watch> {
  const wrong: string[] = [];
  const asked: string[] = [];
  const expected: RegExp[] = [];
  const keep = (what: string) => {
    if (!expected.some((pattern) => pattern.test(what))) wrong.push(what);
  };
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.effectiveDirective} refused ${event.blockedURI || "inline"} ${event.sample}`);
    });
  });
  const own = new URL(origin);
  const listen = (page: Page) => {
    page.on("request", (request) => {
      const url = new URL(request.url());
      asked.push(url.pathname + url.search);
      if (!["data:", "blob:"].includes(url.protocol) && url.origin !== own.origin) keep(`request to ${url.href}`);
    });
    page.on("websocket", (socket) => {
      const url = new URL(socket.url());
      asked.push(url.pathname);
      if (url.host !== own.host) keep(`socket to ${url.href}`);
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") keep(`${message.type()} on ${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => keep(`thrown on ${page.url()}: ${error.stack ?? error.message}`));
  };
  for (const page of context.pages()) listen(page);
  context.on("page", listen);
  return { wrong, asked, expect: (pattern) => void expected.push(pattern) };
}
