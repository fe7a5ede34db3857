import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { key } from "./query";
import type { Schema } from "./types";

export type Block = Schema<"Block">;

/** A page of blocks: from an offset on, or what stands before one. */
export type ContentPage = { from: number } | { before: number };

interface Blocks {
  document: Schema<"Document">;
  blocks: Block[];
  next: number | null;
}

/** How far before a passage the reading begins, so that it has its surroundings. */
const context = 2_000;
/** How much is asked for at once when the reader goes up. */
const stride = 8_000;

/**
 * A document's text around an offset, growing both ways. The server answers forwards only, from the block
 * that holds an offset; going up asks from further up and keeps what is not there yet.
 */
export function contentQuery(document: string, at: number) {
  return infiniteQueryOptions({
    queryKey: key("/api/documents/{id}/content", document, at),
    queryFn: ({ pageParam, signal }) =>
      "from" in pageParam ? read(document, pageParam.from, signal) : readBefore(document, pageParam.before, signal),
    initialPageParam: { from: Math.max(0, at - context) } as ContentPage,
    getNextPageParam: (last): ContentPage | undefined => (last.next === null || last.next === undefined ? undefined : { from: last.next }),
    getPreviousPageParam: (first): ContentPage | undefined => {
      const start = first.blocks[0]?.start ?? 0;
      return start > 0 ? { before: start } : undefined;
    },
    staleTime: Infinity,
  });
}

async function read(document: string, from: number, signal: AbortSignal): Promise<Blocks> {
  return body(api.GET("/api/documents/{id}/content", { params: { path: { id: document }, query: { from } }, signal }));
}

async function readBefore(document: string, before: number, signal: AbortSignal): Promise<Blocks> {
  let from: number | null = Math.max(0, before - stride);
  const blocks: Block[] = [];
  for (;;) {
    const page: Blocks = await read(document, from, signal);
    blocks.push(...page.blocks.filter((block) => block.start < before));
    const last = page.blocks.at(-1);
    from = page.next;
    if (from === null || from === undefined || !last || last.start >= before || from >= before) return { ...page, blocks, next: before };
  }
}
