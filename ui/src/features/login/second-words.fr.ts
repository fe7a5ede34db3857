import { secondWords } from "./second-words";

secondWords.put("fr", {
  code: "Code",
  codeMissing: "Saisissez le code.",
  codeHelp: "Six chiffres de votre application d’authentification, ou l’un de vos codes de secours",
  codeHelpApp: "Six chiffres de votre application d’authentification",
  codeWrong: "Le code est incorrect ou a déjà servi. Attendez le suivant.",
  ticketExpired: "Cela a pris trop de temps. Revenez en arrière et saisissez de nouveau nom et mot de passe.",
  trust: "Ne pas demander de code sur cet appareil pendant 30 jours",
  back: "Retour",
});
