import { secondWords } from "./second-words";

secondWords.put("de", {
  code: "Code",
  codeMissing: "Geben Sie den Code ein.",
  codeHelp: "Sechs Ziffern aus Ihrer Authenticator-App oder einer Ihrer Wiederherstellungscodes",
  codeHelpApp: "Sechs Ziffern aus Ihrer Authenticator-App",
  codeWrong: "Der Code stimmt nicht oder wurde schon benutzt. Warten Sie auf den nächsten.",
  ticketExpired: "Das hat zu lange gedauert. Gehen Sie zurück und geben Sie Name und Passwort erneut ein.",
  trust: "Auf diesem Gerät 30 Tage lang nicht nach einem Code fragen",
  back: "Zurück",
  codeHelpRecovery: "Einer Ihrer Wiederherstellungscodes",
  passkey: "Mit einem Passkey anmelden",
  passkeyWrong: "Der Passkey wurde nicht angenommen. Versuchen Sie es noch einmal, oder melden Sie sich anders an.",
  passkeyCopied: "Von diesem Passkey gibt es vielleicht eine Kopie, daher wird er nicht mehr angenommen. Melden Sie sich anders an, und sagen Sie der Verwaltung Bescheid.",
  passkeyGivenUp: "Das Gerät hat keinen Passkey gegeben. Versuchen Sie es noch einmal, und antworten Sie auf die Frage des Browsers.",
});
