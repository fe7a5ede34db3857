import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import { aDocument } from "@/test/documents";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import type { Quarantined, ScannerState } from "./queries";
import { ScanPage } from "./scan-page";

let state: ScannerState;
let caught: Quarantined[];
/** What was sent, as "METHOD path" with its body. */
let sent: [string, unknown][];

const admin = aSession({ role: "admin" });

beforeEach(() => {
  state = { address: "clamd:///run/clamav/clamd.ctl", unjudged: "hold", state: "answers", waiting: 0, quarantined: 1 };
  caught = [{ document: aDocument({ id: "d1", name: "bill.docx", state: "quarantined", finding: "Win.Test.EICAR_HDB-1", verdict: "found" }), knowledge: "Bills" }];
  sent = [];
  const takes = async (request: Request) => {
    const text = await request.text();
    const body: unknown = text ? JSON.parse(text) : undefined;
    const { pathname, search } = new URL(request.url);
    sent.push([`${request.method} ${pathname}${search}`, body]);
  };
  server.use(
    http.get("*/api/scanner", () => HttpResponse.json(state)),
    http.get("*/api/quarantine", () => HttpResponse.json({ items: caught, next: "" })),
    http.put("*/api/settings/:key", async ({ request }) => {
      await takes(request);
      return HttpResponse.json({});
    }),
    http.post("*/api/quarantine/:id/release", async ({ request }) => {
      await takes(request);
      caught = [];
      return HttpResponse.json(aDocument(), { status: 202 });
    }),
    http.delete("*/api/quarantine/:id", async ({ request }) => {
      await takes(request);
      caught = [];
      return new HttpResponse(null, { status: 204 });
    }),
  );
});

describe("the malware scan", () => {
  it("releases what was found, with a reason and a ticket", async () => {
    show(<ScanPage />, { session: admin });
    expect(await screen.findByText("Win.Test.EICAR_HDB-1")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "More for bill.docx" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Release" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Release bill.docx?" }));
    await userEvent.selectOptions(dialog.getByRole("combobox", { name: "Reason" }), "It is a test file");
    await userEvent.type(dialog.getByRole("textbox", { name: "Ticket" }), "INC-7");
    await userEvent.click(dialog.getByRole("button", { name: "Release" }));
    expect(await screen.findByText("Nothing is in quarantine")).toBeVisible();
    expect(sent).toEqual([["POST /api/quarantine/d1/release", { reason: "test-file", reference: "INC-7" }]]);
  });

  it("deletes what was found, with a reason", async () => {
    show(<ScanPage />, { session: admin });
    await userEvent.click(await screen.findByRole("button", { name: "More for bill.docx" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(sent.map(([route]) => route)).toEqual(["DELETE /api/quarantine/d1?reason=malware&reference="]));
  });

  it("says that the scanner is silent and what waits, and sets another", async () => {
    state = { ...state, state: "silent", reason: "The malware scanner does not answer.", cure: "Check that it runs.", waiting: 3 };
    show(<ScanPage />, { session: admin });
    expect(await screen.findByRole("alert")).toHaveTextContent("The malware scanner does not answer. 3 documents wait for it. Check that it runs.");
    const address = screen.getByRole("textbox", { name: "Address" });
    await userEvent.clear(address);
    await userEvent.type(address, "icap://av.test/x");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Files without a verdict" }), "Read them, with a note");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toEqual([["PUT /api/settings/scan.unjudged", { value: "read" }], ["PUT /api/settings/scan.address", { value: "icap://av.test/x" }]]));
  });

  it("is for administrators", async () => {
    show(<ScanPage />, { session: aSession({ role: "" }) });
    expect(await screen.findByText("This page is for administrators.")).toBeVisible();
  });
});
