import { describe, expect, it, vi } from "vitest";
import { ApiProblem } from "@/api/problem";
import { type Send, Uploads } from "./uploads";

const file = (name: string, text = "text") => new File([text], name);

/** A way of sending that the test decides about, file by file. */
function hand() {
  const open = new Map<string, { end: () => void; fail: (cause: unknown) => void; told: (sent: number) => void; signal: AbortSignal }>();
  const send: Send = (sent, _knowledge, told, signal) =>
    new Promise((resolve, reject) => {
      open.set(sent.name, { end: resolve, fail: reject, told, signal });
      signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    });
  return { send, of: (name: string) => open.get(name), open };
}

const states = (uploads: Uploads) => Object.fromEntries(uploads.list().map((upload) => [upload.name, upload.state]));
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("Uploads", () => {
  it("sends two at a time and tells how far each is", async () => {
    const { send, of } = hand();
    const uploads = new Uploads(send);
    uploads.add("k1", [file("a"), file("b"), file("c")]);
    expect(states(uploads)).toEqual({ a: "sending", b: "sending", c: "waiting" });
    of("a")?.told(3);
    expect(uploads.list()[0]).toMatchObject({ sent: 3, size: 4 });
    of("a")?.end();
    await settle();
    expect(states(uploads)).toEqual({ a: "done", b: "sending", c: "sending" });
  });

  it("keeps the others when one is refused, and keeps the refused one with its reason", async () => {
    const { send, of } = hand();
    const uploads = new Uploads(send);
    const settled = vi.fn();
    uploads.onSettled = settled;
    uploads.add("k1", [file("good"), file("bad"), file("empty", "")]);
    expect(states(uploads)).toMatchObject({ empty: "refused" });
    of("bad")?.fail(new ApiProblem({ status: 422, code: "invalid", detail: "This kind of file cannot be read." }));
    await settle();
    expect(states(uploads)).toMatchObject({ good: "sending", bad: "refused" });
    of("good")?.end();
    await settle();
    expect(states(uploads)).toEqual({ bad: "refused", empty: "refused" });
    expect(uploads.list()[0]?.problem?.detail).toBe("This kind of file cannot be read.");
    expect(settled).toHaveBeenCalledTimes(1);
    expect(settled.mock.calls[0]?.[0]).toHaveLength(3);
  });

  it("sends a refused file again", async () => {
    const { send, of } = hand();
    const uploads = new Uploads(send);
    uploads.add("k1", [file("a")]);
    of("a")?.fail(new ApiProblem({ status: 503, code: "busy", detail: "Busy." }));
    await settle();
    uploads.again(uploads.list()[0]?.id ?? 0);
    expect(uploads.list()[0]).toMatchObject({ state: "sending", sent: 0 });
    expect(uploads.list()[0]).not.toHaveProperty("problem");
    of("a")?.end();
    await settle();
    expect(uploads.list()).toEqual([]);
  });

  it("stops one, and goes on with the next", async () => {
    const { send, of } = hand();
    const uploads = new Uploads(send);
    const taken = vi.fn();
    uploads.onTaken = taken;
    uploads.add("k1", [file("a"), file("b"), file("c")]);
    uploads.remove(uploads.list()[0]?.id ?? 0);
    await settle();
    expect(of("a")?.signal.aborted).toBe(true);
    expect(states(uploads)).toEqual({ b: "sending", c: "sending" });
    of("b")?.end();
    of("c")?.end();
    await settle();
    expect(taken).toHaveBeenCalledTimes(2);
    expect(uploads.list()).toEqual([]);
  });

  it("stops those of one base and leaves the others", async () => {
    const { send, of } = hand();
    const uploads = new Uploads(send);
    uploads.add("k1", [file("a"), file("b")]);
    uploads.add("k2", [file("c")]);
    uploads.clear("k1");
    await settle();
    expect(of("b")?.signal.aborted).toBe(true);
    expect(states(uploads)).toEqual({ c: "sending" });
  });
});
