import { type ApiProblem, problemFrom } from "@/api/problem";
import type { Schema } from "@/api/types";
import type { Phase as Bar } from "@/components/ui/phase-line";
import type { Details, Phase, RunEvent } from "./run-events";

type Citation = Schema<"Citation">;
type Message = Schema<"Message">;

/** What a page knows of an answer that is being written. */
export interface Stream {
  /** The number of the last event taken: the place to resume from. */
  last: number;
  phase: Phase;
  /** Every phase that was entered, to tell what was passed without stopping. */
  seen: readonly Phase[];
  /** What the phase said of itself: the place in the queue, what is searched for. */
  details: Details;
  /** It had a place in the queue, so the first bar was more than passed. */
  waited: boolean;
  thinking: string;
  text: string;
  /** What was searched for, where it is not the question itself. */
  query: string;
  citations: readonly Citation[];
  message?: Message;
  problem?: ApiProblem;
  ended: boolean;
}

export const emptyStream: Stream = { last: 0, phase: "queued", seen: ["queued"], details: {}, waited: false, thinking: "", text: "", query: "", citations: [], ended: false };

/**
 * The next state. Pure, and deaf to events it has already taken, so a replay from anywhere gives the same
 * answer as an unbroken stream.
 */
export function advance(stream: Stream, event: RunEvent): Stream {
  if (stream.ended || (event.number > 0 && event.number <= stream.last)) return stream;
  const next: Stream = { ...stream, last: Math.max(stream.last, event.number) };
  switch (event.kind) {
    case "phase":
      return {
        ...enter(next, event.phase),
        details: detailsOf(event),
        waited: next.waited || (event.phase === "queued" && (event.place ?? 0) > 0),
        query: event.query ?? next.query,
      };
    case "thinking":
      return { ...spoken(next, "thinking"), thinking: next.thinking + event.text };
    case "delta":
      return { ...spoken(next, "writing"), text: next.text + event.text };
    case "citations":
      return { ...next, citations: event.citations };
    case "done":
      // The stored message is the truth; the deltas were its announcement.
      return {
        ...enter(next, event.message.state === "writing" ? "done" : event.message.state),
        message: event.message,
        text: event.message.content,
        thinking: event.message.thinking || next.thinking,
        citations: event.message.citations,
        ...(event.message.problem ? { problem: problemFrom(event.message.problem.status, event.message.problem) } : {}),
        ended: true,
      };
    case "error":
      return { ...enter(next, "failed"), problem: event.problem, ended: true };
    case "shutdown":
      return next;
  }
}

function detailsOf({ place, seconds, why, query }: Details): Details {
  return { ...(place ? { place } : {}), ...(seconds ? { seconds } : {}), ...(why ? { why } : {}), ...(query ? { query } : {}) };
}

/** Words that come while the run has not had its turn were kept from before: they are no new phase. */
function spoken(stream: Stream, phase: Phase): Stream {
  return stream.phase === "queued" ? stream : enter(stream, phase);
}

function enter(stream: Stream, phase: Phase): Stream {
  if (stream.phase === phase) return stream;
  return { ...stream, phase, seen: stream.seen.includes(phase) ? stream.seen : [...stream.seen, phase] };
}

const steps = ["queued", "loading", "searching", "thinking", "writing"] as const;

/** The five bars of the phase line: queue, model, documents, thinking, writing. */
export function phaseBars(stream: Pick<Stream, "phase" | "seen"> & { waited?: boolean }): Bar[] {
  const at = steps.findIndex((step) => step === stream.phase);
  const furthest = steps.reduce((far, step, i) => (stream.seen.includes(step) ? i : far), 0);
  const broke = stream.phase === "failed" || stream.phase === "interrupted";
  return steps.map((step, i) => {
    const passed = stream.seen.includes(step) && (i > 0 || stream.waited === true || stream.seen.length === 1);
    if (at >= 0) return i === at ? "now" : i > at ? "todo" : passed ? "done" : "skip";
    if (broke && i === furthest) return "fail";
    return passed ? "done" : i > furthest && broke ? "todo" : "skip";
  });
}

/** The same bars for an answer that broke, as far as what it left behind tells where. */
export function brokenBars(message: Pick<Message, "kind" | "content" | "thinking" | "citations">): Bar[] {
  const model: Bar = message.kind === "generated" ? "done" : "skip";
  const thought: Bar = message.thinking ? "done" : "skip";
  if (message.content) return ["skip", model, "done", thought, "fail"];
  if (message.thinking) return ["skip", model, "done", "fail", "todo"];
  return message.citations.length > 0 ? ["skip", model, "done", "skip", "fail"] : ["skip", model, "fail", "todo", "todo"];
}

/** How many words a text has, roughly: what stands between spaces. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
