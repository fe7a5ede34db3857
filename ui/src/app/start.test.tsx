import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { delay, http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { server } from "@/test/server";
import { Start } from "./start";

function open(path: string, bootstrap: unknown) {
  history.replaceState(null, "", path);
  const element = document.createElement("script");
  element.type = "application/json";
  element.id = "bootstrap";
  element.textContent = JSON.stringify(bootstrap);
  document.head.append(element);
  return render(<Start />);
}

beforeEach(() => {
  document.getElementById("bootstrap")?.remove();
  const empty = () => HttpResponse.json({ items: [], next: "" });
  server.use(http.get("/api/conversations", empty), http.get("/api/knowledge", empty), http.get("/api/people", empty));
});

const problem = (status: number, rest: object = {}) =>
  HttpResponse.json({ type: "", title: "", status, detail: "Refused by the server.", code: "x", request: "0198f2c4", ...rest }, { status });

describe("sign in", () => {
  it("leads to where one came from, with a cookie and without a token in the page", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("/api/auth/login", async ({ request }) => {
        sent.push(await request.json());
        return HttpResponse.json({ expiresAt: "", person: aSession().person, csrf: "c" });
      }),
      http.get("/api/session", () => HttpResponse.json(aSession())),
    );
    open("/people", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "m.okafor@northfield.lan");
    await user.type(screen.getByLabelText("Password"), "correct horse battery{Enter}");

    expect(await screen.findByRole("heading", { name: "People", level: 1 })).toBeVisible();
    expect(sent).toEqual([{ email: "m.okafor@northfield.lan", password: "correct horse battery", cookie: true }]);
    expect(location.pathname).toBe("/people");
    expect(JSON.stringify({ ...localStorage })).not.toContain("okafor");
  });

  it("keeps the e-mail when the password was wrong, and says so", async () => {
    server.use(http.post("/api/auth/login", () => problem(401)));
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "m.okafor@northfield.lan");
    await user.type(screen.getByLabelText("Password"), "wrong");
    await user.click(screen.getByRole("button", { name: "Sign in" }));

    expect(await screen.findByRole("alert")).toHaveTextContent("The name or the password is not right.");
    expect(screen.getByLabelText("E-mail or user name")).toHaveValue("m.okafor@northfield.lan");
    expect(screen.getByLabelText("Password")).toHaveValue("");
    expect(screen.getByLabelText("Password")).toHaveFocus();
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  });

  it.each([
    [429, "Too many attempts. Wait a minute, then try again."],
    [503, "Many people are signing in. Try again in a few seconds."],
    [500, "Refused by the server."],
  ])("says what to do on %i", async (status, sentence) => {
    server.use(http.post("/api/auth/login", () => problem(status)));
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "m@x.lan");
    await user.type(screen.getByLabelText("Password"), "p{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent(sentence);
  });

  it("names what is missing and asks nothing of the server", async () => {
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Sign in" }));
    expect(screen.getByLabelText("E-mail or user name")).toHaveAccessibleDescription("Enter your e-mail address or user name.");
    expect(screen.getByLabelText("E-mail or user name")).toHaveFocus();
    expect(screen.getByLabelText("Password")).toHaveAccessibleDescription("Enter your password.");
  });

  it("says that Caps Lock is on", async () => {
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.click(await screen.findByLabelText("Password"));
    await user.keyboard("{CapsLock}P");
    expect(screen.getByText("Caps Lock is on.")).toBeVisible();
  });

  it("shows the password only while asked to", async () => {
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    const field = await screen.findByLabelText("Password");
    expect(field).toHaveAttribute("type", "password");
    await user.click(screen.getByRole("button", { name: "Show password" }));
    expect(field).toHaveAttribute("type", "text");
    await user.click(screen.getByRole("button", { name: "Hide password" }));
    expect(field).toHaveAttribute("type", "password");
  });

  it("says that the directory does not answer", async () => {
    server.use(http.post("/api/auth/login", () => problem(401, { code: "directory-down" })));
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "anna");
    await user.type(screen.getByLabelText("Password"), "p{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("it does not answer at the moment");
  });

  it("asks for the second step, and says what is wrong with a code", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("/api/auth/login", () => HttpResponse.json({ second: { ticket: "t1", methods: ["totp", "recovery"] } })),
      http.post("/api/auth/second", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1 ? problem(401, { code: "wrong-code" }) : HttpResponse.json({ csrf: "c", person: aSession().person });
      }),
      http.get("/api/session", () => HttpResponse.json(aSession())),
    );
    open("/people", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "anna");
    await user.type(screen.getByLabelText("Password"), "correct horse battery{Enter}");
    await user.type(await screen.findByLabelText("Code"), "123456{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("The code is not right");
    expect(screen.getByLabelText("Code")).toHaveFocus();
    await user.click(screen.getByLabelText("Ask for no code on this device for 30 days"));
    await user.type(screen.getByLabelText("Code"), "654321{Enter}");
    expect(await screen.findByRole("heading", { name: "People", level: 1 })).toBeVisible();
    expect(sent[1]).toEqual({ ticket: "t1", code: "654321", trust: true, cookie: true });
  });

  it("sends the form once, however often it is pressed", async () => {
    let sent = 0;
    server.use(
      http.post("/api/auth/login", async () => {
        sent++;
        await delay(50);
        return problem(401);
      }),
    );
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("E-mail or user name"), "m@x.lan");
    await user.type(screen.getByLabelText("Password"), "p");
    await user.dblClick(screen.getByRole("button", { name: "Sign in" }));
    await screen.findByRole("alert");
    expect(sent).toBe(1);
  });

  it("speaks the language that is chosen at the door", async () => {
    open("/sign-in", { setup: false });
    const user = userEvent.setup();
    await user.selectOptions(await screen.findByLabelText("Language"), "Deutsch");
    expect(await screen.findByRole("button", { name: "Anmelden" })).toBeVisible();
    await waitFor(() => expect(document.documentElement).toHaveAttribute("lang", "de"));
    await user.selectOptions(screen.getByLabelText("Sprache"), "Français");
    expect(await screen.findByRole("button", { name: "Se connecter" })).toBeVisible();
    await user.selectOptions(screen.getByLabelText("Langue"), "English");
    expect(await screen.findByRole("button", { name: "Sign in" })).toBeVisible();
  });

  it("asks the server when the page came without a bootstrap", async () => {
    server.use(
      http.get("/api/session", () => problem(401)),
      http.get("/api/setup", () => HttpResponse.json({ needed: false })),
    );
    history.replaceState(null, "", "/");
    render(<Start />);
    expect(await screen.findByRole("heading", { name: "Sign in to ChatETS" })).toBeVisible();
  });
});

describe("a link to set a password", () => {
  it("sets it once and leads to the door", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("/api/auth/password", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1 ? problem(403, { detail: "This link is not valid any more." }) : new HttpResponse(null, { status: 204 });
      }),
    );
    open("/set-password#the-token", { setup: false });
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("New password"), "correct horse battery staple{Enter}");
    expect(await screen.findByText("This link is not valid any more.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Set the password" }));
    expect(await screen.findByRole("heading", { name: "Your password is set." })).toBeVisible();
    expect(sent[1]).toEqual({ token: "the-token", password: "correct horse battery staple" });
  });

  it("says what is wrong with a link without its token", async () => {
    open("/set-password", { setup: false });
    expect(await screen.findByRole("heading", { name: "This link is not complete." })).toBeVisible();
  });
});

describe("an overdue second step", () => {
  it("stands before everything", async () => {
    open("/people", { ...aSession(), enrol: true });
    expect(await screen.findByRole("heading", { name: "Set up your second step" })).toBeVisible();
    expect(screen.getByRole("button", { name: "Sign out" })).toBeVisible();
    expect(screen.queryByRole("heading", { name: "People" })).toBeNull();
  });
});

describe("set up", () => {
  async function fill(password: string) {
    const user = userEvent.setup();
    await user.type(await screen.findByLabelText("Your name"), "Miriam Okafor");
    await user.type(screen.getByLabelText("E-mail"), "m.okafor@northfield.lan");
    await user.type(screen.getByLabelText("Password"), password);
    await user.click(screen.getByRole("button", { name: "Create the owner" }));
  }

  it("makes the owner with the token of the link", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post("/api/setup", async ({ request }) => {
        sent.push(await request.json());
        return HttpResponse.json({ expiresAt: "", person: aSession().person, csrf: "c" });
      }),
      http.get("/api/session", () => HttpResponse.json(aSession())),
    );
    open("/setup#one-time", { setup: true });
    await fill("seven grey herons");
    expect(await screen.findByRole("button", { name: "Miriam Okafor: menu" })).toBeVisible();
    expect(sent).toEqual([
      { token: "one-time", name: "Miriam Okafor", email: "m.okafor@northfield.lan", password: "seven grey herons" },
    ]);
    expect(location.pathname + location.hash).toBe("/");
  });

  it("ticks the rules off while the password is typed", async () => {
    open("/setup#one-time", { setup: true });
    const user = userEvent.setup();
    const rules = () => within(screen.getByRole("list")).getAllByRole("listitem").map((item) => item.textContent);
    await user.type(await screen.findByLabelText("Your name"), "Miriam Okafor");
    expect(rules()).toEqual(["At least 12 characters, not met yet", "Not the name or the e-mail address, not met yet"]);
    await user.type(screen.getByLabelText("Password"), "Miriam Okafor");
    expect(rules()).toEqual(["At least 12 characters, met", "Not the name or the e-mail address, not met yet"]);
    await user.type(screen.getByLabelText("Password"), " herons");
    expect(rules()).toEqual(["At least 12 characters, met", "Not the name or the e-mail address, met"]);
  });

  it("puts the server's sentences beside their fields", async () => {
    server.use(
      http.post("/api/setup", () =>
        problem(422, { errors: [{ field: "body.password", sentence: "This password is one of the first that anybody would try." }] }),
      ),
    );
    open("/setup#one-time", { setup: true });
    await fill("correct horse staple");
    await waitFor(() =>
      expect(screen.getByLabelText("Password")).toHaveAccessibleDescription(/one of the first that anybody would try/),
    );
    expect(screen.getByLabelText("Password")).toHaveFocus();
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
  });

  it("says what is wrong with a link without its token", async () => {
    open("/setup", { setup: true });
    expect(await screen.findByRole("heading", { name: "This link is not complete." })).toBeVisible();
  });

  it("tells whoever comes early or late", async () => {
    const early = open("/knowledge", { setup: true });
    expect(await screen.findByRole("heading", { name: "ChatETS is not set up yet." })).toBeVisible();
    expect(screen.queryByLabelText("Password")).not.toBeInTheDocument();
    early.unmount();
    document.getElementById("bootstrap")?.remove();
    open("/setup#spent", { setup: false });
    expect(await screen.findByText("ChatETS is set up. Sign in with your account.")).toBeVisible();
  });
});
