import { searchWords } from "./words";

searchWords.put("de", {
  title: "Suche und Befehle",
  close: "Schließen",
  placeholder: "Chats und Dokumente durchsuchen",
  results: "Ergebnisse",
  goTo: "Gehe zu",
  newChat: "Neuer Chat",
  knowledge: "Wissen",
  people: "Personen",
  profile: "Profil und Einstellungen",
  chats: "Chats",
  documents: "In Dokumenten",
  page: (page) => `S. ${page}`,
  searching: "Suche läuft",
  none: (q) => `Nichts gefunden für „${q}“.`,
  count: (n) => (n === 1 ? "1 Ergebnis" : `${n} Ergebnisse`),
  failed: "Die Suche ist fehlgeschlagen.",
});
