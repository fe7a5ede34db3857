import { describe, expect, it } from "vitest";
import { follow, Refused } from "./follow";
import { readRunEvent } from "./run-events";
import { advance, emptyStream } from "./stream";

const done = {
  id: "m2", conversation: "c1", parent: "m1", role: "assistant", kind: "extractive", state: "done", run: "r1",
  createdAt: "2025-11-24T09:30:00Z", content: "Wirkungsgrad 41 % 👩‍⚕️ 効率 [1].", citations: [],
};
const events = [
  { id: 1, text: 'id: 1\r\nevent: phase\r\ndata: {"phase":"searching"}\r\n\r\n' },
  { id: 2, text: 'id: 2\nevent: delta\ndata: {"text":"Wirkungsgrad 41 % 👩‍"}\n\n' },
  { id: 3, text: 'id: 3\nevent: delta\ndata: {"text":"⚕️ 効率 [1]."}\n\n' },
  { id: 4, text: `id: 4\nevent: done\ndata: ${JSON.stringify(done)}\n\n` },
];

function bytesAfter(after: number): Uint8Array {
  const text = `: ok\n\n${events.filter((e) => e.id > after).map((e) => e.text).join("")}`;
  return new TextEncoder().encode(text);
}

/** A server whose first connection breaks after `cut` bytes, in the way that is asked for. */
function server(cut: number, how: "ends" | "fails") {
  const asked: number[] = [];
  return {
    asked,
    open: (after: number) => {
      asked.push(after);
      const all = bytesAfter(after);
      const first = asked.length === 1;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(first ? all.slice(0, cut) : all);
          if (!first || how === "ends") controller.close();
        },
        pull(controller) {
          controller.error(new TypeError("network error"));
        },
      });
      return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
    },
  };
}

async function read(open: (after: number) => Promise<Response>) {
  let stream = emptyStream;
  const texts: string[] = [];
  await follow({
    open,
    last: () => stream.last,
    take: (raw) => {
      const event = readRunEvent(raw);
      if (event) stream = advance(stream, event);
      texts.push(stream.text);
      return stream.ended;
    },
    signal: AbortSignal.timeout(5_000),
    pause: () => Promise.resolve(),
  });
  return { stream, texts };
}

describe("follow", () => {
  for (const how of ["ends", "fails"] as const) {
    it(`gives identical text when the connection ${how} at any byte`, async () => {
      const whole = await read(server(Number.MAX_SAFE_INTEGER, "ends").open);
      expect(whole.stream.text).toBe(done.content);
      for (let cut = 0; cut < bytesAfter(0).length; cut++) {
        const broken = server(cut, how);
        const { stream, texts } = await read(broken.open);
        expect(stream).toEqual(whole.stream);
        expect(texts).toEqual(whole.texts);
        expect(broken.asked.length).toBe(2);
      }
    });
  }

  it("asks again while the server restarts, later each time, and starts early again after an event", async () => {
    const waits: number[] = [];
    const answers = [503, 502, 200, 504, 200];
    let stream = emptyStream;
    await follow({
      open: () => {
        const status = answers.shift() ?? 200;
        if (status !== 200) return Promise.resolve(new Response("", { status }));
        const text = answers.length > 0 ? (events[0]?.text ?? "") : new TextDecoder().decode(bytesAfter(1));
        return Promise.resolve(new Response(text));
      },
      last: () => stream.last,
      take: (raw) => {
        const event = readRunEvent(raw);
        if (event) stream = advance(stream, event);
        return stream.ended;
      },
      signal: AbortSignal.timeout(5_000),
      pause: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    });
    expect(waits).toEqual([1000, 2000, 500, 1000]);
  });

  it("gives up when the server says that there is no such run", async () => {
    const open = () => Promise.resolve(new Response("", { status: 404 }));
    await expect(read(open)).rejects.toBeInstanceOf(Refused);
  });

  it("stops when it is told to", async () => {
    const end = new AbortController();
    const open = () => {
      end.abort();
      return Promise.reject(new TypeError("aborted"));
    };
    let tries = 0;
    await follow({ open, last: () => 0, take: () => false, signal: end.signal, pause: () => { tries++; return Promise.resolve(); } }).catch(() => undefined);
    expect(tries).toBe(0);
  });
});
