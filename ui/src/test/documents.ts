import type { Schema } from "@/api/types";

/** A knowledge base as its owner sees it. */
export function aBase(change: Partial<Schema<"Knowledge">> = {}): Schema<"Knowledge"> {
  const now = new Date().toISOString();
  return {
    id: "k1",
    name: "Energy centre",
    workspace: "w1",
    owner: "018f0000-0000-7000-8000-000000000001",
    ownerName: "Miriam Okafor",
    right: "edit",
    manages: true,
    documents: 1,
    size: 18_400_000,
    working: 0,
    createdAt: now,
    updatedAt: now,
    ...change,
  };
}

/** A document that is ready. */
export function aDocument(change: Partial<Schema<"Document">> = {}): Schema<"Document"> {
  const now = new Date().toISOString();
  return {
    id: "d1",
    knowledge: "k1",
    title: "Engine test handbook",
    name: "handbook.md",
    type: "text/markdown",
    size: 18_400_000,
    state: "ready",
    chunks: 846,
    pages: 0,
    characters: 1_000,
    version: 1,
    folder: "",
    tags: [],
    right: "edit",
    manages: true,
    restricted: false,
    owner: "018f0000-0000-7000-8000-000000000001",
    ownerName: "Miriam Okafor",
    createdAt: now,
    updatedAt: now,
    ...change,
  };
}

/** A problem document, as every refusal is one. */
export function aProblem(status: number, detail: string, change: Partial<Schema<"Problem">> = {}) {
  return Response.json({ type: "about:blank", title: "Refused", status, detail, code: String(status), ...change }, { status, headers: { "Content-Type": "application/problem+json" } });
}
