import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { LanguageProvider } from "@/lib/words";
import { aSession } from "@/test/people";
import { server } from "@/test/server";
import { SignInPage } from "./sign-in-page";
import { broughtBack, SignedInPage } from "./signed-in-page";

const inEnglish = (page: React.ReactNode) => render(<LanguageProvider language="en">{page}</LanguageProvider>);

describe("the way in through an identity provider", () => {
  it("offers a button for each, and leaves out what is none", async () => {
    inEnglish(<SignInPage setupNeeded={false} doors={[{ name: "corp", label: "Corporate", kind: "oidc" }, "x", null]} onEntered={() => undefined} onSubmitting={() => undefined} />);
    expect(await screen.findByRole("button", { name: "Sign in with Corporate" })).toBeVisible();
    expect(screen.getAllByRole("button", { name: /Sign in with/ })).toHaveLength(1);
  });

  it("says that a provider cannot be used", async () => {
    server.use(http.post("*/api/auth/sso/corp", () => HttpResponse.json({ title: "x", status: 503, code: "sso-down" }, { status: 503 })));
    inEnglish(<SignInPage setupNeeded={false} doors={[{ name: "corp", label: "Corporate" }]} onEntered={() => undefined} onSubmitting={() => undefined} />);
    await userEvent.click(await screen.findByRole("button", { name: "Sign in with Corporate" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("This way in cannot be used at the moment.");
  });

  it("reads what was brought back, and nothing else", () => {
    expect(broughtBack("#provider=corp&code=c&state=s&other=1")).toEqual({ provider: "corp", code: "c", state: "s" });
    expect(broughtBack("#failed=1&code=c")).toBeNull();
    expect(broughtBack("")).toBeNull();
  });
});

describe("the landing", () => {
  let sent: unknown;
  beforeEach(() => {
    sent = undefined;
    let signedIn = false;
    server.use(
      http.get("*/api/session", () => (signedIn ? HttpResponse.json(aSession()) : HttpResponse.json({ title: "x", status: 401 }, { status: 401 }))),
      http.post("*/api/auth/sso", async ({ request }) => {
        sent = await request.json();
        signedIn = true;
        return HttpResponse.json({ login: { csrf: "t" }, return: "/knowledge" });
      }),
    );
  });

  it("finishes the sign-in and goes where one wanted to go", async () => {
    history.replaceState(null, "", "/signed-in#provider=corp&code=c&state=s");
    const entered = vi.fn();
    inEnglish(<SignedInPage onEntered={entered} />);
    await waitFor(() => expect(entered).toHaveBeenCalledOnce());
    expect(sent).toEqual({ provider: "corp", code: "c", state: "s" });
    expect(location.pathname + location.hash).toBe("/knowledge");
  });

  it("says one sentence, whatever was wrong", async () => {
    server.use(http.post("*/api/auth/sso", () => HttpResponse.json({ title: "x", status: 401, code: "sso-refused" }, { status: 401 })));
    history.replaceState(null, "", "/signed-in#provider=corp&code=c&state=s");
    inEnglish(<SignedInPage onEntered={() => undefined} />);
    expect(await screen.findByRole("heading", { name: "You could not be signed in this way." })).toBeVisible();
    expect(location.hash).toBe("");
  });
});
