import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setLook } from "@/lib/preferences";
import { aPerson, aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { nameAgent } from "./agent";
import { ProfilePage } from "./profile-page";

const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

let sessions = [
  { id: "s1", agent: linux, current: true },
  { id: "s2", agent: phone, current: false },
  { id: "s3", agent: "chatets/1.0", current: false },
];

beforeEach(() => {
  sessions = [
    { id: "s1", agent: linux, current: true },
    { id: "s2", agent: phone, current: false },
    { id: "s3", agent: "chatets/1.0", current: false },
  ];
  server.use(
    http.get("/api/sessions", () =>
      HttpResponse.json({
        items: sessions.map((s) => ({ ...s, createdAt: "2026-11-01T08:00:00Z", lastSeen: new Date(Date.now() - 7_200_000).toISOString(), address: "10.3.7.21", expiresAt: "2026-12-01T08:00:00Z" })),
        next: "",
      }),
    ),
  );
});
afterEach(() => setLook({ theme: "system", size: "normal", language: "" }));

const noContent = () => new HttpResponse(null, { status: 204 });

describe("the interface", () => {
  it("changes theme and text size at once and remembers nothing else", async () => {
    show(<ProfilePage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("radio", { name: "High contrast" }));
    expect(document.documentElement).toHaveAttribute("data-theme", "contrast");
    await user.click(screen.getByRole("radio", { name: "Larger" }));
    expect(document.documentElement).toHaveAttribute("data-size", "larger");
    expect({ ...localStorage }).toEqual({ "chatets.look": '{"theme":"contrast","size":"larger","language":""}' });
    await user.click(screen.getByRole("radio", { name: "Normal" }));
    expect(document.documentElement).not.toHaveAttribute("data-size");
  });
});

describe("the name", () => {
  it("is changed, and refused when empty", async () => {
    server.use(
      http.patch(`/api/people/${aPerson().id}`, async ({ request }) => HttpResponse.json(aPerson(await request.json() as { name: string }))),
    );
    show(<ProfilePage />);
    const user = userEvent.setup();
    const name = await screen.findByLabelText("Name");
    expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.clear(name);
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(name).toHaveAccessibleDescription(/Enter your name\./);
    await user.type(name, "Miriam Okafor-Lind");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Your name is changed")).toBeVisible();
    expect(await screen.findByRole("heading", { name: "Miriam Okafor-Lind" })).toBeVisible();
  });
});

describe("the password", () => {
  it("needs the current one, and the server's refusal stands beside it", async () => {
    const sent: unknown[] = [];
    server.use(
      http.put("/api/password", async ({ request }) => {
        sent.push(await request.json());
        return sent.length === 1
          ? HttpResponse.json({ status: 422, title: "", type: "", detail: "Wrong value.", code: "invalid", errors: [{ field: "body.current", sentence: "This is not your password." }] }, { status: 422 })
          : noContent();
      }),
    );
    show(<ProfilePage />);
    const user = userEvent.setup();
    const submit = await screen.findByRole("button", { name: "Change the password" });
    await user.click(submit);
    expect(screen.getByLabelText("Current password")).toHaveAccessibleDescription("Enter your current password.");
    await user.type(screen.getByLabelText("Current password"), "old");
    await user.type(screen.getByLabelText("New password"), "seven grey herons");
    await user.click(submit);
    await waitFor(() => expect(screen.getByLabelText("Current password")).toHaveAccessibleDescription("This is not your password."));
    await user.click(submit);
    expect(await screen.findByText("Your password is changed")).toBeVisible();
    expect(screen.getByLabelText("Current password")).toHaveValue("");
    expect(screen.getByLabelText("New password")).toHaveValue("");
    expect(sent).toEqual([
      { current: "old", password: "seven grey herons" },
      { current: "old", password: "seven grey herons" },
    ]);
  });
});

describe("the sessions", () => {
  it("are named so that one knows one's own, and end one by one or together", async () => {
    server.use(
      http.delete("/api/sessions/:id", ({ params }) => {
        sessions = sessions.filter((s) => s.id !== params["id"]);
        return noContent();
      }),
      http.delete("/api/sessions", () => {
        sessions = sessions.filter((s) => s.current);
        return noContent();
      }),
    );
    show(<ProfilePage />, { session: aSession() });
    const user = userEvent.setup();
    const own = (await screen.findByText("Chrome on Linux")).closest("li");
    expect(own).not.toBeNull();
    if (own) {
      expect(within(own).getByText("This one")).toBeVisible();
      expect(within(own).queryByRole("button")).not.toBeInTheDocument();
    }
    await user.click(screen.getByRole("button", { name: "End the session: Safari on iPhone" }));
    await waitFor(() => expect(screen.queryByText("Safari on iPhone")).not.toBeInTheDocument());
    expect(screen.getByText("Command line")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "End all others" }));
    await waitFor(() => expect(screen.queryByText("Command line")).not.toBeInTheDocument());
    expect(screen.getByText("Chrome on Linux")).toBeVisible();
    expect(screen.queryByRole("button", { name: "End all others" })).not.toBeInTheDocument();
  });
});

describe("nameAgent", () => {
  it.each([
    ["Chrome on Linux", linux, { kind: "browser", browser: "Chrome", system: "Linux" }],
    ["Safari on iPhone", phone, { kind: "browser", browser: "Safari", system: "iPhone" }],
    ["Firefox on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", { kind: "browser", browser: "Firefox", system: "Windows" }],
    ["Edge on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", { kind: "browser", browser: "Edge", system: "Windows" }],
    ["Chrome on Android", "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36", { kind: "browser", browser: "Chrome", system: "Android" }],
    ["the command line", "chatets/1.0 (linux)", { kind: "command" }],
    ["a program", "curl/8.5.0", { kind: "unknown" }],
    ["nothing", "", { kind: "unknown" }],
  ])("knows %s", (_name, agent, want) => {
    expect(nameAgent(agent)).toEqual(want);
  });
});
