import { type ApiProblem, problemFrom } from "@/api/problem";
import type { Schema } from "@/api/types";
import type { ServerEvent } from "./sse";

type Citation = Schema<"Citation">;
type Message = Schema<"Message">;

/** The events of a run, checked: what comes from the wire is unknown until it was looked at. */
export const phases = ["queued", "loading", "searching", "thinking", "writing", "done", "failed", "stopped", "interrupted"] as const;
export type Phase = (typeof phases)[number];

/** What a phase says of itself; each belongs to one phase. */
export interface Details {
  /** In the queue: 1 is next; absent when it is not known. */
  place?: number;
  /** Until its turn, as far as it can be known. */
  seconds?: number;
  /** It waits for more than its turn. */
  why?: string;
  /** What is searched for, where it is not the question itself. */
  query?: string;
}

export type RunEvent = { number: number } & (
  | ({ kind: "phase"; phase: Phase } & Details)
  | { kind: "thinking"; text: string }
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
      return { number, kind: "phase", phase, ...details(value) };
    }
    case "thinking":
      return { number, kind: "thinking", text: text(record(data()).text) };
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

function details({ place, seconds, why, query }: Record<string, unknown>): Details {
  return {
    ...(optionalCount(place) > 0 ? { place: optionalCount(place) } : {}),
    ...(optionalCount(seconds) > 0 ? { seconds: optionalCount(seconds) } : {}),
    ...(optionalText(why) ? { why: optionalText(why) } : {}),
    ...(optionalText(query) ? { query: optionalText(query) } : {}),
  };
}

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
    kind: oneOf(v.kind, ["question", "extractive", "generated", "none"], "none"),
    state: oneOf(v.state, ["writing", "done", "failed", "stopped", "interrupted"], "done"),
    citations: list(v.citations).map(citation),
    run: optionalText(v.run),
    createdAt: optionalText(v.createdAt),
    versions: versions(v.versions, text(v.id)),
    model: optionalText(v.model),
    thinking: optionalText(v.thinking),
    thinkingMs: optionalCount(v.thinkingMs),
    query: optionalText(v.query),
    unsupported: v.unsupported === true,
    truncated: v.truncated === true,
    withheld: v.withheld === true,
    ...(v.usage ? { usage: usage(record(v.usage)) } : {}),
    ...(v.context ? { context: context(record(v.context)) } : {}),
    ...(v.problem ? { problem: problem(v.problem) } : {}),
  };
}

function versions(value: unknown, own: string): Message["versions"] {
  if (!value) return { index: 1, ids: [own] };
  const v = record(value);
  return { index: count(v.index), ids: list(v.ids).map(text) };
}

function usage(v: Record<string, unknown>): NonNullable<Message["usage"]> {
  return {
    promptTokens: optionalCount(v.promptTokens),
    outputTokens: optionalCount(v.outputTokens),
    tokensPerSecond: optionalCount(v.tokensPerSecond),
    firstTokenMs: optionalCount(v.firstTokenMs),
    totalMs: optionalCount(v.totalMs),
  };
}

function context(v: Record<string, unknown>): NonNullable<Message["context"]> {
  return {
    limit: optionalCount(v.limit),
    used: optionalCount(v.used),
    counted: optionalCount(v.counted),
    droppedTurns: optionalCount(v.droppedTurns),
    droppedPassages: optionalCount(v.droppedPassages),
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
