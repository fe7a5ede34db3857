import { signOnWords } from "./sign-on-words";

signOnWords.put("fr", {
  or: "ou",
  with: (label) => `Se connecter avec ${label}`,
  down: "Cette voie n’est pas utilisable pour le moment. Réessayez, ou demandez à un administrateur.",
  title: "Connexion",
  lead: "Un instant, s’il vous plaît.",
  failedTitle: "La connexion par cette voie n’a pas abouti.",
  failedLead: "Réessayez. Si cela persiste, demandez à un administrateur : la raison est dans le journal.",
  tooOften: "Trop de tentatives. Attendez une minute, puis réessayez.",
  secondTitle: "Encore une étape",
  secondLead: "Saisissez un code pour terminer la connexion",
  back: "Retour à la page de connexion",
});
