import { createContext, useContext } from "react";
import type { Schema } from "@/api/types";
import { lastHeading } from "@/lib/heading";

export type Citation = Schema<"Citation">;

/** What a key inside an answer needs to know of the answer around it. */
export interface Sources {
  citations: ReadonlyMap<number, Citation>;
  /** The number whose passage is open in the panel. */
  current: number | undefined;
  open: (number: number) => void;
}

export const SourcesContext = createContext<Sources>({ citations: new Map(), current: undefined, open: () => undefined });

export function useSources(): Sources {
  return useContext(SourcesContext);
}

export interface SourceGroup {
  document: Citation["document"];
  citations: Citation[];
}

/** The citations of an answer, one group for each document, in the order of their numbers. */
export function groupByDocument(citations: readonly Citation[]): SourceGroup[] {
  const groups = new Map<string, SourceGroup>();
  for (const citation of [...citations].sort((a, b) => a.number - b.number)) {
    const group = groups.get(citation.document.id);
    if (group) group.citations.push(citation);
    else groups.set(citation.document.id, { document: citation.document, citations: [citation] });
  }
  return [...groups.values()];
}

/** The address of a passage in its document: what a key leads to in a new tab. */
export function passageAddress({ document, start, end }: Citation): string {
  return `/documents/${encodeURIComponent(document.id)}?from=${start}&to=${end}`;
}

/** The pages of a group, each once: "37, 41". Empty for documents without pages. */
export function pagesOf(citations: readonly Citation[]): string {
  return [...new Set(citations.map((c) => c.page).filter((page) => page > 0))].join(", ");
}

/** The passage's place in words: its page, or the last heading above it unless that only says the title again. */
export function placeOf({ page, heading, document }: Pick<Citation, "page" | "heading" | "document">, pageWord: (page: string) => string): string {
  if (page > 0) return pageWord(String(page));
  const last = lastHeading(heading);
  return last === document.title ? "" : last;
}
