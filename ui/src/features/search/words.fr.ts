import { searchWords } from "./words";

searchWords.put("fr", {
  title: "Recherche et commandes",
  close: "Fermer",
  placeholder: "Chercher dans les discussions et les documents",
  results: "Résultats",
  goTo: "Aller à",
  newChat: "Nouvelle discussion",
  knowledge: "Connaissances",
  people: "Personnes",
  profile: "Profil et réglages",
  chats: "Discussions",
  documents: "Dans les documents",
  page: (page) => `p. ${page}`,
  searching: "Recherche en cours",
  none: (q) => `Rien trouvé pour « ${q} ».`,
  count: (n) => (n === 1 ? "1 résultat" : `${n} résultats`),
  failed: "La recherche a échoué.",
});
