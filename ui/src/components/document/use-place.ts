import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { contentQuery } from "@/api/content";
import { useWords } from "@/lib/words";
import { hasSlides, type Place, placeOfPassage, type Stretch } from "./marks";
import { documentWords } from "./words";

/** A passage's place in words: "Page 3", "Slide 4", "Sheet Q1, A3:F3"; empty until its text is loaded. */
export function usePlace(document: string, passage: Stretch): string {
  const words = useWords(documentWords);
  const { data } = useInfiniteQuery(contentQuery(document, passage.from));
  const about = data?.pages[0]?.document;
  const place = useKept(data && placeOfPassage(data.pages.flatMap((page) => page.blocks), passage), `${document} ${passage.from}`);
  if (!about || !place) return "";
  return [place.file, inside(words, about.type, place)].filter(Boolean).join(", ");
}

function inside(words: typeof documentWords.english, type: string, { sheet, cells, page }: Place): string {
  if (sheet) return cells ? words.sheetCells(sheet, cells) : words.sheet(sheet);
  if (cells) return words.cells(cells);
  if (page === 0) return "";
  return hasSlides(type) ? words.slide(page) : words.page(page);
}

/** What was known once of a thing stays known, though the text it was read from has been let go. */
export function useKept<T>(value: T | undefined, of: string): T | undefined {
  const [kept, setKept] = useState<{ of: string; value: T }>();
  if (value !== undefined && kept?.of !== of) {
    setKept({ of, value });
    return value;
  }
  return kept?.of === of ? kept.value : value;
}
