import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { key } from "./query";
import type { Schema } from "./types";

export type Block = Schema<"Block">;

/** Where reading begins: around an offset, right at one, or where a page of the document begins. */
export type Start = number | { from: number } | { page: number };

/** A page of blocks: from an offset or a page of the document on, or what stands before an offset. */
export type ContentPage = { from: number } | { page: number } | { before: number };

interface Blocks {
  document: Schema<"Document">;
  blocks: Block[];
  next: number | null;
}

/** How far before a passage the reading begins, so that it has its surroundings. */
const context = 2_000;
/** How much is asked for at once when the reader goes up. */
const stride = 8_000;
/** How many pages of blocks are kept: of a long document, what is far away is let go and asked for again. */
const kept = 10;

/**
 * A document's text around an offset, growing both ways. The server answers forwards only, from the block
 * that holds an offset; going up asks from further up and keeps what is not there yet.
 */
export function contentQuery(document: string, at: Start) {
  return infiniteQueryOptions({
    queryKey: key("/api/documents/{id}/content", document, at),
    queryFn: ({ pageParam, signal }) =>
      "before" in pageParam ? readBefore(document, pageParam.before, signal) : read(document, pageParam, signal),
    initialPageParam: (typeof at === "number" ? { from: Math.max(0, at - context) } : at) as ContentPage,
    maxPages: kept,
    getNextPageParam: (last): ContentPage | undefined => (last.next === null || last.next === undefined ? undefined : { from: last.next }),
    getPreviousPageParam: (first): ContentPage | undefined => {
      const start = first.blocks[0]?.start ?? 0;
      return start > 0 ? { before: start } : undefined;
    },
    staleTime: Infinity,
  });
}

async function read(document: string, query: { from: number } | { page: number }, signal: AbortSignal): Promise<Blocks> {
  return body(api.GET("/api/documents/{id}/content", { params: { path: { id: document }, query }, signal }));
}

async function readBefore(document: string, before: number, signal: AbortSignal): Promise<Blocks> {
  let from: number | null = Math.max(0, before - stride);
  const blocks: Block[] = [];
  for (;;) {
    const page: Blocks = await read(document, { from }, signal);
    blocks.push(...page.blocks.filter((block) => block.start < before));
    const last = page.blocks.at(-1);
    from = page.next;
    if (from === null || from === undefined || !last || last.start >= before || from >= before) return { ...page, blocks, next: before };
  }
}

/** The text of one page of a document, whole. */
export function pageTextQuery(document: string, page: number) {
  return queryOptions({
    queryKey: key("/api/documents/{id}/content", document, "page", page),
    queryFn: async ({ signal }) => {
      const first = await read(document, { page }, signal);
      const blocks = [...first.blocks];
      let next = first.next;
      while (next !== null && next !== undefined && blocks.at(-1)?.page === page) {
        const more: Blocks = await read(document, { from: next }, signal);
        blocks.push(...more.blocks);
        next = more.next;
      }
      return blocks.filter((block) => block.page === page);
    },
    staleTime: Infinity,
  });
}
