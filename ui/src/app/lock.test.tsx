import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onSignedInAgain } from "@/api/client";
import { readNotices } from "@/lib/notices";
import { aSession } from "@/test/people";
import { show } from "@/test/render";
import { server } from "@/test/server";
import { Connection } from "./connection";

const page = (notices: unknown) => {
  const element = document.createElement("script");
  element.id = "bootstrap";
  element.type = "application/json";
  element.textContent = JSON.stringify({ notices });
  document.head.append(element);
};

describe("a page that nobody uses", () => {
  const left: string[] = [];
  beforeEach(() => {
    left.length = 0;
    server.use(
      http.get("/api/session", () => HttpResponse.json(aSession())),
      http.post("/api/auth/logout", () => {
        left.push("out");
        return new HttpResponse(null, { status: 204 });
      }),
      http.post("/api/auth/login", () => HttpResponse.json({ csrf: "new" })),
    );
  });
  afterEach(() => {
    document.getElementById("bootstrap")?.remove();
    vi.useRealTimers();
  });

  const idle = async (minutes: number) => {
    await act(() => vi.advanceTimersByTimeAsync(minutes * 60_000));
  };

  it("is covered, its session ended, and comes back as it was", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    page({ lockMinutes: 5 });
    const again = vi.fn();
    const stop = onSignedInAgain(again);
    show(
      <>
        <Connection />
        <textarea aria-label="Question" defaultValue="half a question" />
      </>,
    );
    await screen.findByLabelText("Question");
    await idle(4);
    act(() => void document.body.dispatchEvent(new Event("keydown", { bubbles: true })));
    await idle(4);
    expect(screen.queryByRole("dialog")).toBeNull();
    await idle(2);
    expect(await screen.findByRole("dialog", { name: "This page is locked" })).toBeInTheDocument();
    expect(left).toEqual(["out"]);
    expect(document.title).toBe("ChatETS");
    // Behind the cover nothing can be reached.
    expect(screen.queryByRole("textbox", { name: "Question" })).toBeNull();
    vi.useRealTimers();
    await userEvent.type(screen.getByLabelText("Password"), "seven grey herons");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.getByRole("textbox", { name: "Question" })).toHaveValue("half a question");
    expect(again).toHaveBeenCalledOnce();
    stop();
  });

  it("stays open where no minutes are set", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    page({ lockMinutes: 0 });
    show(<Connection />);
    await idle(600);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(left).toEqual([]);
  });
});

describe("readNotices", () => {
  it.each([
    ["nothing", undefined, { label: "", level: "none", lockMinutes: 0, showAnswers: true }],
    ["no JSON", "<x>", { label: "", level: "none" }],
    ["strange values", JSON.stringify({ notices: { signIn: 7, classification: { text: "A", level: "purple" }, lockMinutes: "5" } }), { signIn: "", label: "A", level: "none", lockMinutes: 0 }],
    ["all of it", JSON.stringify({ notices: { signIn: "a", showAnswers: false, answers: "b", classification: { text: "A", level: "high" }, lockMinutes: 5 } }), { signIn: "a", answers: "b", showAnswers: false, label: "A", level: "high", lockMinutes: 5 }],
  ])("reads %s", (_name, text, want) => expect(readNotices(text)).toMatchObject(want));
});
