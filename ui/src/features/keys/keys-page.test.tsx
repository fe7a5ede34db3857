import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Schema } from "@/api/types";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { KeysPage } from "./keys-page";

const paper = "7ABCDE-FGHJKM-NPQRST-VWXYZ0-123456-789ABC";
let status: Schema<"KeyStatus">;

beforeEach(() => {
  status = {
    installation: "0".repeat(32),
    serial: 4,
    changed: "2026-11-25T08:00:00Z",
    recovery: false,
    slots: [{ slot: 1, kind: "file", where: "/etc/chatets/master.key", made: "2026-11-01T08:00:00Z", inUse: true }],
    keys: [
      { number: 1, current: false, made: "2026-11-01T08:00:00Z", retired: "2026-11-25T08:00:00Z" },
      { number: 2, current: true, made: "2026-11-25T08:00:00Z" },
    ],
    shreds: [],
  };
  server.use(
    http.get("/api/keys", () => HttpResponse.json(status)),
    http.post("/api/keys/recovery", () => {
      status = { ...status, recovery: true };
      return HttpResponse.json({ key: paper, slot: 2, qr: ["101", "010", "111"] });
    }),
  );
});

describe("the keys", () => {
  it("are shown without any secret, with the way in use", async () => {
    show(<KeysPage />);
    expect(await screen.findByText("/etc/chatets/master.key")).toBeVisible();
    expect(screen.getByText("In use")).toBeVisible();
    expect(screen.getByText(/Key 2 is in use/)).toBeVisible();
    expect(screen.getByText(/Key 1 is old/)).toBeVisible();
  });

  it("get a recovery key that is shown once", async () => {
    show(<KeysPage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Make a recovery key" }));
    expect(await screen.findByText(paper)).toBeVisible();
    expect(screen.getByRole("img", { name: "The recovery key as a QR code" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "I have written it down" }));
    await waitFor(() => expect(screen.queryByText(paper)).not.toBeInTheDocument());
  });

  it("ask before one that is there is revoked", async () => {
    status.recovery = true;
    show(<KeysPage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Make a new one" }));
    expect(await screen.findByText(/revoked at once/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Keep the present one" }));
    expect(screen.queryByText(paper)).not.toBeInTheDocument();
  });
});
