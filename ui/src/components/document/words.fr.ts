import { documentWords } from "./words";

documentWords.put("fr", {
  failed: "Le document n’a pas été chargé.",
  gone: "Ce document n’est pas ici.",
  goneHelp: "Il a été supprimé, ou vous ne pouvez pas le lire.",
  empty: "Ce document ne contient pas de texte.",
  notReady: "Ce document est en cours de lecture. Son texte apparaîtra ici dès qu’il sera prêt.",
  morePrevious: "Charger ce qui précède",
  moreNext: "Charger la suite",
  page: (page) => `Page ${page}`,
  passage: "Passage",
  passageOf: (number) => `Passage ${number}`,
  text: "Texte du document",
  table: "Tableau, défilable latéralement",
});
