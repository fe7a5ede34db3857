import { setPasswordWords } from "./set-password-words";

setPasswordWords.put("fr", {
  title: "Définir votre mot de passe",
  lead: "Le lien n’est que pour vous et ne sert qu’une fois.",
  password: "Nouveau mot de passe",
  set: "Définir le mot de passe",
  done: "Votre mot de passe est défini.",
  doneLead: "Connectez-vous avec lui. Partout où vous étiez connecté, vous êtes déconnecté.",
  signIn: "Se connecter",
  broken: "Ce lien n’est pas complet.",
  brokenLead: "Ouvrez-le exactement comme vous l’avez reçu, avec tout ce qui suit le signe #.",
  mustTitle: "Définissez un autre mot de passe",
  mustLead: "Quelqu’un d’autre connaît l’actuel. Rien d’autre n’est possible avant.",
  current: "Mot de passe actuel",
});
