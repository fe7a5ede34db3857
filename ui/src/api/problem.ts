import type { Schema } from "./types";

/** FieldError says what is wrong with one field of a form. */
export interface FieldError {
  field: string;
  sentence: string;
}

/**
 * ApiProblem is every way a request can fail: the server's own problem document,
 * or an answer that never came (status 0, code "offline").
 */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly cure: string;
  readonly request: string;
  readonly fields: readonly FieldError[];

  constructor(of: { status: number; code: string; detail: string; cure?: string; request?: string; fields?: readonly FieldError[] }) {
    super(of.detail);
    this.name = "ApiProblem";
    this.status = of.status;
    this.code = of.code;
    this.cure = of.cure ?? "";
    this.request = of.request ?? "";
    this.fields = of.fields ?? [];
  }

  get detail(): string {
    return this.message;
  }

  get offline(): boolean {
    return this.status === 0;
  }

  /** The sentence about one field; the server names it "body.email" or "email". */
  field(name: string): string | undefined {
    return this.fields.find((f) => f.field === name || f.field.split(".").at(-1) === name)?.sentence;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((e) => ({ field: text(e["field"]), sentence: text(e["sentence"]) }));
}

/** Reads a refusal, whatever stands before the server: a proxy may answer in HTML. */
export function problemFrom(status: number, body: unknown, request = ""): ApiProblem {
  if (isRecord(body) && typeof body["detail"] === "string") {
    return new ApiProblem({
      status,
      code: text(body["code"]) || String(status),
      detail: body["detail"] || text(body["title"]),
      cure: text(body["cure"]),
      request: text(body["request"]) || request,
      fields: fieldErrors(body["errors"]),
    });
  }
  return new ApiProblem({ status, code: String(status), detail: "", request });
}

/** Reads the problem document inside a message or a stream event. */
export function problemOf(problem: Schema<"Problem">): ApiProblem {
  return problemFrom(problem.status, problem);
}

/** Turns anything thrown into a problem, so that a page has one thing to show. */
export function asProblem(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  if (thrown instanceof TypeError) return new ApiProblem({ status: 0, code: "offline", detail: "" });
  return new ApiProblem({ status: -1, code: "page", detail: thrown instanceof Error ? thrown.message : "" });
}
