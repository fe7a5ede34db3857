import { describe, expect, it } from "vitest";
import { ApiProblem } from "@/api/problem";
import type { RunEvent } from "./run-events";
import { advance, brokenBars, emptyStream, phaseBars, type Stream } from "./stream";

const citation = {
  number: 1,
  document: { id: "d1", title: "Engine test handbook" },
  knowledge: "k1",
  version: 1,
  page: 37,
  heading: "5.3",
  start: 10,
  end: 40,
  text: "Brake thermal efficiency is the ratio",
};
const message = {
  id: "m2",
  conversation: "c1",
  parent: "m1",
  role: "assistant" as const,
  content: "Efficiency is 41 % [1]. Fin.",
  kind: "extractive" as const,
  state: "done" as const,
  citations: [citation],
  run: "r1",
  versions: { index: 1, ids: ["m2"] },
  createdAt: "2025-11-24T09:30:00Z",
};

const events: RunEvent[] = [
  { number: 1, kind: "phase", phase: "queued" },
  { number: 2, kind: "phase", phase: "searching" },
  { number: 3, kind: "phase", phase: "writing" },
  { number: 4, kind: "delta", text: "Efficiency is " },
  { number: 5, kind: "citations", citations: [citation] },
  { number: 6, kind: "delta", text: "41 % [1]." },
  { number: 7, kind: "delta", text: " Fin." },
  { number: 8, kind: "done", message },
];

const run = (list: RunEvent[], from: Stream = emptyStream) => list.reduce(advance, from);

describe("advance", () => {
  it("builds the answer from the events", () => {
    const before = run(events.slice(0, 7));
    expect(before).toMatchObject({ text: "Efficiency is 41 % [1]. Fin.", phase: "writing", last: 7, ended: false, citations: [citation] });
    expect(run(events)).toMatchObject({ text: message.content, phase: "done", ended: true, message });
  });

  it("gives the same state however often events are replayed", () => {
    const whole = run(events);
    for (let cut = 0; cut <= events.length; cut++) {
      for (let again = 0; again <= cut; again++) {
        expect(run([...events.slice(0, cut), ...events.slice(again)])).toEqual(whole);
      }
    }
  });

  it("does not change the state it was given", () => {
    const frozen = Object.freeze({ ...emptyStream, seen: Object.freeze([...emptyStream.seen]) });
    expect(() => run(events, frozen)).not.toThrow();
  });

  it("keeps what was written when the run fails", () => {
    const problem = new ApiProblem({ status: 500, detail: "The server stopped.", code: "internal", request: "q1" });
    const failed = run([...events.slice(0, 6), { number: 7, kind: "error", problem }]);
    expect(failed).toMatchObject({ text: "Efficiency is 41 % [1].", phase: "failed", problem, ended: true });
  });

  it("ends as stopped when the person stopped it", () => {
    const stopped = run([...events.slice(0, 4), { number: 5, kind: "done", message: { ...message, state: "stopped", content: "Efficiency is " } }]);
    expect(stopped).toMatchObject({ phase: "stopped", text: "Efficiency is ", ended: true });
  });

  it("goes on after the server announced its stop", () => {
    const after = run([...events.slice(0, 4), { number: 0, kind: "shutdown" }]);
    expect(after).toMatchObject({ last: 4, ended: false });
    expect(run(events.slice(4), after)).toEqual(run(events));
  });
});

describe("what is new with models", () => {
  it("keeps its place in the queue while the kept words of an answer are said again", () => {
    const kept = run([{ number: 1, kind: "phase", phase: "queued" }, { number: 2, kind: "delta", text: "Kept words" }, { number: 3, kind: "thinking", text: "Kept thoughts" }]);
    expect(kept).toMatchObject({ phase: "queued", text: "Kept words", thinking: "Kept thoughts" });
    const waits = run([{ number: 4, kind: "phase", phase: "queued", place: 2, seconds: 9, why: "busy" }], kept);
    expect(waits.details).toEqual({ place: 2, seconds: 9, why: "busy" });
    const on = run([{ number: 5, kind: "phase", phase: "writing" }, { number: 6, kind: "delta", text: " and more" }], waits);
    expect(on).toMatchObject({ phase: "writing", text: "Kept words and more", details: {} });
    expect(phaseBars(on)).toEqual(["done", "skip", "skip", "skip", "now"]);
  });

  it("keeps what was searched for when the phase is over", () => {
    const searched = run([{ number: 1, kind: "phase", phase: "searching", query: "efficiency G2" }, { number: 2, kind: "phase", phase: "writing" }]);
    expect(searched).toMatchObject({ query: "efficiency G2", details: {} });
  });

  const broken = [
    { name: "in the text", of: { content: "Half" }, bars: ["skip", "done", "done", "skip", "fail"] },
    { name: "in the text after thinking", of: { content: "Half", thinking: "Hm" }, bars: ["skip", "done", "done", "done", "fail"] },
    { name: "while thinking", of: { thinking: "Hm" }, bars: ["skip", "done", "done", "fail", "todo"] },
    { name: "before a word", of: { citations: [citation] }, bars: ["skip", "done", "done", "skip", "fail"] },
    { name: "in the search", of: {}, bars: ["skip", "done", "fail", "todo", "todo"] },
  ] as const;
  for (const { name, of, bars } of broken) {
    it(`shows that it broke ${name}`, () => expect(brokenBars({ kind: "generated", content: "", thinking: "", citations: [], ...of } as Parameters<typeof brokenBars>[0])).toEqual(bars));
  }
});

describe("phaseBars", () => {
  const cases = [
    { name: "in the queue", count: 1, bars: ["now", "todo", "todo", "todo", "todo"] },
    { name: "searching", count: 2, bars: ["skip", "skip", "now", "todo", "todo"] },
    { name: "writing", count: 4, bars: ["skip", "skip", "done", "skip", "now"] },
    { name: "done", count: 8, bars: ["skip", "skip", "done", "skip", "done"] },
  ];
  for (const { name, count, bars } of cases) it(name, () => expect(phaseBars(run(events.slice(0, count)))).toEqual(bars));

  it("shows where it broke", () => {
    expect(phaseBars({ phase: "failed", seen: ["queued", "searching", "failed"] })).toEqual(["skip", "skip", "fail", "todo", "todo"]);
  });
});
