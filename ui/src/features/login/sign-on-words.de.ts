import { signOnWords } from "./sign-on-words";

signOnWords.put("de", {
  or: "oder",
  with: (label) => `Mit ${label} anmelden`,
  down: "Dieser Weg ist im Augenblick nicht benutzbar. Versuchen Sie es noch einmal, oder fragen Sie einen Administrator.",
  title: "Anmeldung",
  lead: "Einen Augenblick bitte.",
  failedTitle: "Sie konnten auf diesem Weg nicht angemeldet werden.",
  failedLead: "Versuchen Sie es noch einmal. Bleibt es dabei, fragen Sie einen Administrator: Der Grund steht im Protokoll.",
  tooOften: "Zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann noch einmal.",
  secondTitle: "Noch ein Schritt",
  secondLead: "Geben Sie einen Code ein, um die Anmeldung abzuschließen",
  back: "Zurück zur Anmeldeseite",
});
