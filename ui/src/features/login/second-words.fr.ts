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
  codeHelpRecovery: "L’un de vos codes de secours",
  passkey: "Se connecter avec une clé d’accès",
  passkeyWrong: "La clé d’accès n’a pas été acceptée. Réessayez ou connectez-vous autrement.",
  passkeyCopied: "Il existe peut-être une copie de cette clé d’accès : elle n’est plus acceptée. Connectez-vous autrement et prévenez l’administration.",
  passkeyGivenUp: "L’appareil n’a pas donné de clé d’accès. Réessayez et répondez à la question du navigateur.",
});
