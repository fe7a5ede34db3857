import { Catalogue } from "@/lib/words";

export const documentWords = new Catalogue({
  failed: "The document did not load.",
  gone: "This document is not here.",
  goneHelp: "It was deleted, or you may not read it.",
  empty: "This document has no text.",
  notReady: "This document is still being read. Its text will be here when it is ready.",
  morePrevious: "Load what stands before",
  moreNext: "Load what comes next",
  page: (page: number) => `Page ${page}`,
  passage: "Passage",
  passageOf: (number: number) => `Passage ${number}`,
  text: "Text of the document",
  table: "Table, scrolls sideways",
});
