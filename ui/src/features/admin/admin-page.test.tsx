import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { AdminPage } from "./admin-page";

describe("administration", () => {
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
