import { passwordWords } from "./words";

passwordWords.put("de", {
  missing: "Geben Sie ein Passwort ein.",
  broken: "Das Passwort hält die Regeln unten nicht ein.",
  length: (least) => `Mindestens ${least} Zeichen`,
  own: "Nicht der Name und nicht die E-Mail-Adresse",
  met: "erfüllt",
  open: "noch nicht erfüllt",
});
