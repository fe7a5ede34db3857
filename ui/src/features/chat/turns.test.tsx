import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useRef } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anAnswer } from "@/test/answers";
import { PaneContext, Turns } from "./turns";

const messages = Array.from({ length: 2_000 }, (_, i) => anAnswer({ id: `m${i}`, role: i % 2 === 0 ? "user" : "assistant", content: `message ${i}`, versions: { index: 1, ids: [`m${i}`] } }));

function Page({ list = messages }: { list?: typeof messages }) {
  const pane = useRef<HTMLDivElement>(null);
  return (
    <div ref={pane} data-testid="pane">
      <PaneContext value={pane}>
        <Turns messages={list}>{(message) => <button type="button">{message.content}</button>}</Turns>
      </PaneContext>
    </div>
  );
}

describe("Turns", () => {
  let scrolled = 0;
  beforeEach(() => {
    scrolled = 0;
    vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(800);
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockImplementation(function (this: Element) {
      return new DOMRect(0, this.tagName === "OL" ? -scrolled : 0, 800, 800);
    });
  });
  afterEach(() => vi.restoreAllMocks());

  const scrollTo = async (y: number) => {
    scrolled = y;
    fireEvent.scroll(screen.getByTestId("pane"));
    await act(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  };

  it("holds only what is near the screen, and the newest", async () => {
    render(<Page />);
    await scrollTo(100_000);
    const drawn = screen.getAllByRole("button").map((button) => button.textContent);
    expect(drawn.length).toBeLessThan(40);
    expect(drawn).toContain("message 1999");
    expect(drawn).not.toContain("message 0");
    await scrollTo(0);
    expect(screen.getByRole("button", { name: "message 0" })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "message 1999" })).toBeInTheDocument();
  });

  it("keeps the turn that has the focus", async () => {
    render(<Page />);
    await scrollTo(0);
    act(() => screen.getByRole("button", { name: "message 0" }).focus());
    await scrollTo(150_000);
    expect(screen.getByRole("button", { name: "message 0" })).toHaveFocus();
  });

  it("shows everything where there is no layout", async () => {
    vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(0);
    render(<Page list={messages.slice(0, 60)} />);
    await waitFor(() => expect(screen.getAllByRole("button")).toHaveLength(60));
  });
});
