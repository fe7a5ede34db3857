import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { addressOf } from "./address";
import { BackupPage } from "./backup-page";
import type { Drill, Target } from "./queries";
import "./words.de";
import "./words.fr";

const disk: Target = {
  id: "t1", name: "Disk", kind: "directory", url: "file:///mnt/backup", hasSecret: false, hasCa: false, wait: true, rate: 0, state: "current", behindMs: 0,
  generation: 1, lastTransaction: 9, filesWaiting: 0, filesLate: 0, bytes: 2_000_000, keeps: false, createdAt: "2026-11-01T08:00:00Z", oldestAt: "2026-11-20T08:00:00Z",
};
const drill: Drill = {
  id: "d1", target: "t1", targetName: "Disk", nightly: true, state: "passed", startedAt: "2026-11-25T02:10:00Z", endedAt: "2026-11-25T02:11:00Z", tookMs: 60_000, lostMs: 0,
  bytes: 5_000_000, part: 3, files: 12, fileBytes: 90_000, people: 4, searched: true,
};
let targets: Target[];
let drills: Drill[];
let asked: { route: string; body: unknown }[];

beforeEach(() => {
  targets = [disk];
  drills = [drill];
  asked = [];
  const setting = (key: string, value: number) => ({ key, value, default: value, help: "", version: 0 });
  server.use(
    http.get("/api/backup/targets", () => HttpResponse.json({ items: targets })),
    http.get("/api/settings", () =>
      HttpResponse.json({ items: [setting("backup.intervalSeconds", 1), setting("backup.secondsKeptHours", 24), setting("backup.minutesKeptDays", 7), setting("backup.hoursKeptDays", 30), setting("backup.drillHour", 2)], next: "" })),
    http.put("/api/settings/:key", async ({ params, request }) => {
      asked.push({ route: String(params["key"]), body: await request.json() });
      return HttpResponse.json(setting(String(params["key"]), 1));
    }),
    http.post("/api/backup/targets", async ({ request }) => {
      asked.push({ route: "add", body: await request.json() });
      return HttpResponse.json({ ...disk, test: { tookMs: 3, conditional: true, deletes: true, sameDisk: false } }, { status: 201 });
    }),
    http.get("/api/backup/drills", () => HttpResponse.json({ items: drills })),
    http.post("/api/backup/drills", async ({ request }) => {
      asked.push({ route: "drill", body: await request.json() });
      const { endedAt: _, ...open } = drill;
      drills = [{ ...open, id: "d2", state: "running", step: "database", done: 1, total: 4 }, ...drills];
      return HttpResponse.json({ items: drills.slice(0, 1) }, { status: 202 });
    }),
    http.post("/api/backup/drills/:id/cancel", () => {
      drills = drills.map((one) => (one.id === "d2" ? { ...one, state: "cancelled", endedAt: "2026-11-25T08:00:00Z" } : one));
      return new HttpResponse(null, { status: 204 });
    }),
    http.post("/api/backup/targets/host-key", () => HttpResponse.json({ hostKey: "ssh-ed25519 AAAA", fingerprint: "SHA256:abc" })),
    http.post("/api/backup/targets/:id/test", () => HttpResponse.json({ tookMs: 12, conditional: true, deletes: false, sameDisk: true })),
    http.delete("/api/backup/targets/:id", ({ params }) => {
      targets = targets.filter((target) => target.id !== params["id"]);
      return new HttpResponse(null, { status: 204 });
    }),
  );
});

describe("backups", () => {
  it("say how far each target is and what is wrong with it", async () => {
    targets.push({ ...disk, id: "t2", name: "Vault", kind: "s3", url: "s3://b?endpoint=https://s3", state: "failing", why: "The bucket does not answer.", cure: "Look at the server.", behindMs: 125_000, filesWaiting: 3, filesLate: 2 });
    show(<BackupPage />);
    expect(await screen.findByText("Up to date")).toBeVisible();
    expect(screen.getByText("Failing")).toBeVisible();
    expect(screen.getByText(/The bucket does not answer/)).toBeVisible();
    expect(screen.getByText(/behind by 2\smin · 3 files wait/)).toBeVisible();
    expect(screen.getByText(/2 documents were accepted/)).toBeVisible();
  });

  it("say loudly that there is none", async () => {
    targets = [];
    show(<BackupPage />);
    expect(await screen.findByText("Nothing is copied anywhere")).toBeVisible();
  });

  it("are tested and removed", async () => {
    show(<BackupPage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Test: Disk" }));
    expect(await screen.findByText(/can be written, read and listed \(12 ms\)/)).toBeVisible();
    expect(screen.getByText(/lost with it/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Actions for Disk" }));
    await user.click(await screen.findByRole("menuitem", { name: "Remove" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Remove" }));
    expect(await screen.findByText("Nothing is copied anywhere")).toBeVisible();
  });

  it("say whether a restore was tried, and try one", async () => {
    show(<BackupPage />);
    expect(await screen.findByText("Restore tried 25 November 2026")).toBeVisible();
    expect(screen.getByText(/A restore was tried on .* of database and 12 files/)).toBeVisible();
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Actions for Disk" }));
    await user.click(await screen.findByRole("menuitem", { name: "Try a restore" }));
    expect(await screen.findByText(/database 25/)).toBeVisible();
    expect(asked).toEqual([{ route: "drill", body: { target: "t1" } }]);
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(screen.queryByText(/database 25/)).toBeNull());
  });

  it("say why a restore failed that was tried", async () => {
    drills = [{ ...drill, state: "failed", why: "The file x is damaged.", cure: "Restore from another target." }];
    show(<BackupPage />);
    expect(await screen.findByText("Restore failed 25 November 2026")).toBeVisible();
    expect(screen.getByText(/The file x is damaged/)).toBeVisible();
  });

  it("are added: a server's key is compared first", async () => {
    show(<BackupPage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Add a target" }));
    await user.selectOptions(screen.getByLabelText("What it is"), "SFTP server");
    await user.type(screen.getByLabelText("Name"), "Box");
    await user.type(screen.getByLabelText("Server"), "box.lan:2222");
    await user.type(screen.getByLabelText("User"), "chatets");
    await user.type(screen.getByLabelText("Folder"), "~/backup");
    await user.type(screen.getByLabelText("Password or private key"), "quite secret");
    await user.click(screen.getByRole("button", { name: "Test and add" }));
    expect(await screen.findByText("Ask the server for its key, and compare it.")).toBeVisible();
    expect(asked).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Ask for the server's key" }));
    expect(await screen.findByText("SHA256:abc")).toBeVisible();
    await user.click(screen.getByLabelText("I have compared it with what its administrator says"));
    await user.click(screen.getByRole("button", { name: "Test and add" }));
    await waitFor(() => expect(asked).toEqual([{ route: "add", body: { name: "Box", url: "sftp://chatets@box.lan:2222/~/backup", rate: 0, takeOver: false, secret: "quite secret", hostKey: "ssh-ed25519 AAAA" } }]));
  });

  it("offer to take over what an earlier machine wrote", async () => {
    server.use(http.post("/api/backup/targets", () =>
      HttpResponse.json({ type: "about:blank", title: "Conflict", status: 409, code: "target-used", detail: "The backup target holds backups of this installation already." }, { status: 409 })));
    show(<BackupPage />);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Add a target" }));
    await user.type(screen.getByLabelText("Name"), "Disk 2");
    await user.type(screen.getByLabelText("Path"), "/mnt/b");
    expect(screen.queryByLabelText(/No other machine/)).toBeNull();
    await user.click(screen.getByRole("button", { name: "Test and add" }));
    expect(await screen.findByLabelText(/No other machine/)).toBeVisible();
  });

  it("keep the past for as long as is set; only what was changed is sent", async () => {
    show(<BackupPage />);
    const user = userEvent.setup();
    const days = await screen.findByLabelText("Each hour for … days");
    await user.clear(days);
    await user.type(days, "many");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Give a whole number.")).toBeVisible();
    await user.clear(days);
    await user.type(days, "90");
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(asked).toEqual([{ route: "backup.hoursKeptDays", body: { value: 90 } }]));
  });

  it("are shown in German and French, and to administrators alone", async () => {
    const german = show(<BackupPage />, { language: "de" });
    expect(await screen.findByText("Auf dem Stand")).toBeVisible();
    german.unmount();
    const french = show(<BackupPage />, { language: "fr" });
    expect(await screen.findByText("À jour")).toBeVisible();
    french.unmount();
    show(<BackupPage />, { session: aSession({ role: "" }) });
    expect(await screen.findByText("Backups are looked after by administrators.")).toBeVisible();
    expect(screen.queryByText("Disk")).toBeNull();
  });
});

describe("addresses", () => {
  const none = { path: "", endpoint: "", bucket: "", folder: "", region: "", host: "", user: "" };
  it.each([
    ["directory", { ...none, path: "/mnt/my backup" }, "file:///mnt/my%20backup"],
    ["s3", { ...none, endpoint: "https://s3.lan", bucket: "b", folder: "/a/", region: "eu" }, "s3://b/a?endpoint=https%3A%2F%2Fs3.lan&region=eu"],
    ["sftp", { ...none, host: "h:22", user: "u", folder: "/x" }, "sftp://u@h:22/x"],
  ] as const)("of a %s", (kind, parts, url) => {
    expect(addressOf(kind, parts)).toBe(url);
  });
});
