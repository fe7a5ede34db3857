import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { SecondCard } from "./second-card";

const none = { totp: false, recoveryCodes: 0, devices: 0, required: false, passkeys: [], passkeyOffer: false, serverName: "", password: true };
let factors: Record<string, unknown>;
let sent: [string, unknown][];
let fresh: boolean;

const problem = (status: number, code: string, errors: { field: string; sentence: string }[] = []) =>
  HttpResponse.json({ type: "", title: "", status, detail: "Refused.", code, request: "1", errors }, { status });

beforeEach(() => {
  factors = { ...none };
  sent = [];
  fresh = true;
  const takes = async (request: Request) => {
    const text = await request.text();
    sent.push([`${request.method} ${new URL(request.url).pathname}`, text ? JSON.parse(text) : undefined]);
  };
  server.use(
    http.get("*/api/factors", () => HttpResponse.json(factors)),
    http.post("*/api/factors/totp", () => HttpResponse.json({ secret: "ABCDEFGH", uri: "otpauth://totp/x", qr: "<svg/>" })),
    http.post("*/api/factors/totp/confirm", async ({ request }) => {
      const { code } = (await request.json()) as { code: string };
      if (code !== "123456") return problem(422, "wrong-code", [{ field: "body.code", sentence: "The code is not right." }]);
      factors = { ...none, totp: true, since: "2026-11-25T10:00:00Z", recoveryCodes: 2, password: false };
      return HttpResponse.json({ recoveryCodes: ["AAAA-BBBB-CCCC-DDDD", "EEEE-FFFF-GGGG-HHHH"] });
    }),
    http.delete("*/api/factors/totp", async ({ request }) => {
      await takes(request);
      if (!fresh) return problem(403, "prove-again");
      factors = { ...none };
      return new HttpResponse(null, { status: 204 });
    }),
    http.post("*/api/auth/prove", async ({ request }) => {
      await takes(request);
      fresh = true;
      return new HttpResponse(null, { status: 204 });
    }),
  );
});

describe("the second step", () => {
  it("is set up with the app's first code, and shows the recovery codes once", async () => {
    const user = userEvent.setup();
    show(<SecondCard />);
    await user.click(await screen.findByRole("button", { name: "Set up an app" }));
    expect(await screen.findByRole("img", { name: "QR code of the secret" })).toBeVisible();
    expect(screen.getByText("ABCDEFGH")).toBeVisible();
    const code = screen.getByLabelText("Code that the app shows now");
    await user.type(code, "000000{Enter}");
    expect(await screen.findByText("The code is not right.")).toBeVisible();
    await user.type(code, "123456{Enter}");
    expect(await screen.findByText("AAAA-BBBB-CCCC-DDDD")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "I have kept them" }));
    expect(await screen.findByText(/2 recovery codes are left/)).toBeVisible();
    expect(screen.queryByText("AAAA-BBBB-CCCC-DDDD")).toBeNull();
  });

  it("asks who it is before the app is taken away", async () => {
    const user = userEvent.setup();
    factors = { ...none, totp: true, since: "2026-11-25T10:00:00Z", recoveryCodes: 8, devices: 1, required: true, password: false };
    fresh = false;
    show(<SecondCard />);
    await user.click(await screen.findByRole("button", { name: "Take the app away" }));
    await user.type(await screen.findByRole("textbox", { name: "Code" }), "654321{Enter}");
    expect(await screen.findByText(/There is no second step yet/)).toBeVisible();
    expect(sent.map(([route]) => route)).toEqual(["DELETE /api/factors/totp", "POST /api/auth/prove", "DELETE /api/factors/totp"]);
  });

  it("says why there are no passkeys here", async () => {
    factors = { ...none, serverName: "chat.clinic.example" };
    show(<SecondCard />);
    expect(await screen.findByText(/bound to the name chat\.clinic\.example/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Add a passkey" })).toBeNull();
  });

  it("shows passkeys, warns of a copy, and asks who it is before one is removed", async () => {
    const user = userEvent.setup();
    const key = { id: "p1", name: "Ward computer", createdAt: "2026-11-25T10:00:00Z", synced: false, copied: true };
    factors = { ...none, passkeys: [key], serverName: "localhost", recoveryCodes: 8, totp: true, since: key.createdAt, password: false };
    fresh = false;
    server.use(
      http.delete("*/api/factors/passkeys/p1", () => {
        if (!fresh) return problem(403, "prove-again");
        factors = { ...factors, passkeys: [] };
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(<SecondCard />);
    expect(await screen.findByText(/There may be a copy of it/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Remove the passkey Ward computer" }));
    await user.type(await screen.findByRole("textbox", { name: "Code" }), "654321{Enter}");
    await waitFor(() => expect(screen.queryByText("Ward computer")).toBeNull());
  });
});
