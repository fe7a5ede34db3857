import { screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { AdminPage } from "./admin-page";

beforeEach(() => {
  server.use(http.get("/api/alerts", () => HttpResponse.json({ items: [] })));
});

describe("administration", () => {
  it("says what needs attention, and nothing where all is well", async () => {
    const well = show(<AdminPage />, { session: aSession({ role: "admin" }) });
    expect(await screen.findByRole("link", { name: /^People/ })).toBeVisible();
    expect(screen.queryByRole("region", { name: "What needs attention" })).toBeNull();
    well.unmount();
    server.use(http.get("/api/alerts", () =>
      HttpResponse.json({ items: [{ name: "disk-low", grave: true, why: "The disk has 90 MB left.", cure: "Free space now.", since: "2026-11-25T08:00:00Z" }] })));
    show(<AdminPage />, { session: aSession({ role: "admin" }) });
    expect(await screen.findByRole("alert")).toHaveTextContent("The disk has 90 MB left. Free space now.");
  });


  it("leads to each page of administrators", async () => {
    show(<AdminPage />, { session: aSession({ role: "admin" }) });
    for (const [name, path] of [["People", "/people"], ["Models and servers", "/admin/models"], ["Keys", "/admin/keys"], ["Malware scan", "/admin/scan"], ["Backups", "/admin/backup"]]) {
      expect(await screen.findByRole("link", { name: new RegExp(`^${name}`) })).toHaveAttribute("href", path);
    }
  });

  it("is closed to others", async () => {
    show(<AdminPage />, { session: aSession({ role: "" }) });
    expect(await screen.findByText("This page is for administrators.")).toBeVisible();
    expect(screen.queryByRole("link")).toBeNull();
  });
});
