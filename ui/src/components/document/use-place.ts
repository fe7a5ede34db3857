import { useInfiniteQuery } from "@tanstack/react-query";
import { contentQuery } from "@/api/content";
import { useWords } from "@/lib/words";
import { hasSlides, placeOfPassage, type Stretch } from "./marks";
import { documentWords } from "./words";

/** A passage's place in words: "Page 3", "Slide 4", "Sheet Q1, A3:F3"; empty until its text is loaded. */
export function usePlace(document: string, passage: Stretch): string {
  const words = useWords(documentWords);
  const { data } = useInfiniteQuery(contentQuery(document, passage.from));
  const about = data?.pages[0]?.document;
  const place = data && placeOfPassage(data.pages.flatMap((page) => page.blocks), passage);
  if (!about || !place) return "";
  if (place.sheet) return place.cells ? words.sheetCells(place.sheet, place.cells) : words.sheet(place.sheet);
  if (place.cells) return words.cells(place.cells);
  if (place.page === 0) return "";
  return hasSlides(about.type) ? words.slide(place.page) : words.page(place.page);
}
