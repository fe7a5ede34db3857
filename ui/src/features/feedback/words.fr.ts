import { feedbackWords } from "./words";

feedbackWords.put("fr", {
  title: "Évaluations",
  lead: "Combien de fois les réponses ont été évaluées, et pourquoi. Les commentaires et les discussions ne sont lus que par leurs propriétaires.",
  forbidden: "Les évaluations sont comptées pour les administrateurs.",
  forbiddenLead: "Demandez à un administrateur.",
  failed: "Les évaluations n’ont pas été chargées.",
  none: "Aucune réponse n’a été évaluée pendant cette période.",
  period: "Période",
  days: (n) => `${n} derniers jours`,
  model: "Modèle",
  ownWords: "Mots des documents",
  good: "Bonnes",
  bad: "Mauvaises",
  share: "Part de bonnes",
  reasons: "Raisons",
  reason: { correct: "juste", complete: "complète", clear: "claire", "well-sourced": "bien sourcée", wrong: "fausse", incomplete: "incomplète", unclear: "difficile à suivre", "wrong-source": "mauvaise source", outdated: "périmée", slow: "trop lente", other: "autre chose" },
});
