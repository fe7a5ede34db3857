import { headingPath } from "@/lib/heading";
import { plainAnswer } from "./keys";
import type { Citation } from "./sources";

interface SourceWords {
  sources: string;
  page: (page: string) => string;
}

/** The answer with its numbers, and under it what each number stands for. */
export function withSources(text: string, citations: readonly Citation[], words: SourceWords): string {
  const lines = [...citations]
    .sort((a, b) => a.number - b.number)
    .map(({ number, document, page, heading, text: quote }) => {
      const place = [document.title, page > 0 ? words.page(String(page)) : headingPath(heading, document.title)].filter(Boolean).join(", ");
      return `[${number}] ${place}${quote ? `: “${quote}”` : ""}`;
    });
  return [plainAnswer(text, true), "", `${words.sources}:`, ...lines].join("\n");
}
