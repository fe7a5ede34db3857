import { feedbackWords } from "./words";

feedbackWords.put("de", {
  title: "Rückmeldungen",
  lead: "Wie oft Antworten bewertet wurden und warum. Kommentare und Chats liest niemand außer ihren Besitzern.",
  forbidden: "Rückmeldungen werden für Administratoren gezählt.",
  forbiddenLead: "Fragen Sie einen Administrator.",
  failed: "Die Rückmeldungen wurden nicht geladen.",
  none: "In dieser Zeit wurde keine Antwort bewertet.",
  period: "Zeitraum",
  days: (n) => `Letzte ${n} Tage`,
  model: "Modell",
  ownWords: "Worte der Dokumente",
  good: "Gut",
  bad: "Schlecht",
  share: "Anteil gut",
  reasons: "Gründe",
  reason: { correct: "richtig", complete: "vollständig", clear: "klar", "well-sourced": "gut belegt", wrong: "falsch", incomplete: "unvollständig", unclear: "schwer verständlich", "wrong-source": "falsche Quelle", outdated: "veraltet", slow: "zu langsam", other: "etwas anderes" },
});
