import { type ApiProblem, problemFrom } from "@/api/problem";
import type { Schema } from "@/api/types";
import type { ServerEvent } from "./sse";

type Citation = Schema<"Citation">;
type Message = Schema<"Message">;

/** The events of a run, checked: what comes from the wire is unknown until it was looked at. */
export const phases = ["queued", "loading", "searching", "thinking", "writing", "done", "failed", "stopped", "interrupted"] as const;
export type Phase = (typeof phases)[number];

export type RunEvent = { number: number } & (
  | { kind: "phase"; phase: Phase }
  | { kind: "delta"; text: string }
  | { kind: "citations"; citations: Citation[] }
  | { kind: "done"; message: Message }
  | { kind: "error"; problem: ApiProblem }
  | { kind: "shutdown" }
);

/** Reads one event. Unknown names give undefined (a newer server may say more); a broken known one throws. */
export function readRunEvent(event: ServerEvent): RunEvent | undefined {
  const number = /^\d{1,15}$/.test(event.id) ? Number(event.id) : 0;
  if (event.name === "shutdown") return { number, kind: "shutdown" };
  const data = (): unknown => JSON.parse(event.data);
  switch (event.name) {
    case "phase": {
      const value = record(data());
      const phase = phases.find((p) => p === value.phase);
      if (!phase) return undefined;
      return { number, kind: "phase", phase };
    }
    case "delta":
      return { number, kind: "delta", text: text(record(data()).text) };
    case "citations":
      return { number, kind: "citations", citations: list(data()).map(citation) };
    case "done":
      return { number, kind: "done", message: message(data()) };
    case "error":
      return { number, kind: "error", problem: failure(data()) };
    default:
      return undefined;
  }
}

class Broken extends TypeError {}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Broken("an object was expected");
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown): unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new Broken("a list was expected");
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Broken("a text was expected");
  return value;
}

function count(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Broken("a number was expected");
  return value;
}

const optionalText = (value: unknown): string => (typeof value === "string" ? value : "");
const optionalCount = (value: unknown): number => (typeof value === "number" ? value : 0);

function citation(value: unknown): Citation {
  const v = record(value);
  const document = record(v.document);
  return {
    number: count(v.number),
    document: { id: text(document.id), title: text(document.title) },
    knowledge: optionalText(v.knowledge),
    version: optionalCount(v.version),
    page: optionalCount(v.page),
    heading: optionalText(v.heading),
    start: count(v.start),
    end: count(v.end),
    text: optionalText(v.text),
    ...(v.withheld === true ? { withheld: true } : {}),
  };
}

function oneOf<T extends string>(value: unknown, words: readonly T[], otherwise: T): T {
  return words.find((word) => word === value) ?? otherwise;
}

function message(value: unknown): Message {
  const v = record(value);
  return {
    id: text(v.id),
    conversation: text(v.conversation),
    parent: optionalText(v.parent),
    role: oneOf(v.role, ["user", "assistant"], "assistant"),
    content: text(v.content),
    kind: oneOf(v.kind, ["question", "extractive", "none"], "none"),
    state: oneOf(v.state, ["writing", "done", "failed", "stopped", "interrupted"], "done"),
    citations: list(v.citations).map(citation),
    run: optionalText(v.run),
    createdAt: optionalText(v.createdAt),
    ...(v.problem ? { problem: problem(v.problem) } : {}),
  };
}

function failure(value: unknown): ApiProblem {
  return problemFrom(optionalCount(record(value).status), value);
}

function problem(value: unknown): Message["problem"] {
  const v = record(value);
  const read = {
    type: optionalText(v.type),
    title: optionalText(v.title),
    status: optionalCount(v.status),
    detail: optionalText(v.detail),
    code: optionalText(v.code),
    cure: optionalText(v.cure),
    request: optionalText(v.request),
  };
  return read;
}
