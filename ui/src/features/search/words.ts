import { Catalogue } from "@/lib/words";

export const searchWords = new Catalogue({
  title: "Search and commands",
  close: "Close",
  placeholder: "Search chats and documents",
  results: "Results",
  goTo: "Go to",
  newChat: "New chat",
  knowledge: "Knowledge",
  people: "People",
  profile: "Profile and settings",
  chats: "Chats",
  documents: "In documents",
  page: (page: string) => `p. ${page}`,
  searching: "Searching",
  none: (q: string) => `Nothing found for “${q}”.`,
  count: (n: number) => (n === 1 ? "1 result" : `${n} results`),
  failed: "The search failed.",
});
