import { adminWords } from "./words";

adminWords.put("de", {
  title: "Verwaltung",
  forbidden: "Diese Seite ist für Administratoren.",
  forbiddenLead: "Fragen Sie einen von ihnen, wenn etwas geändert werden soll.",
  people: "Personen",
  peopleLead: "Wer sich anmelden darf und mit welchen Rollen",
  models: "Modelle und Server",
  modelsLead: "Wo Antworten geschrieben werden und wer welches Modell verwenden darf",
  keys: "Schlüssel",
  keysLead: "Was die Daten dieses Servers öffnet, und der Wiederherstellungsschlüssel",
  scan: "Virenscan",
  scanLead: "Das Prüfprogramm, dem Dateien gezeigt werden, und was es gefunden hat",
  backup: "Sicherungen",
  backupLead: "Wohin die Daten kopiert werden und wie weit jede Kopie ist",
  feedback: "Rückmeldungen",
  feedbackLead: "Wie oft Antworten bewertet wurden und warum.",
  directories: "Verzeichnisse",
  directoriesLead: "LDAP und Active Directory: Anmeldung, Prüfung, Abgleich",
  scim: "Bereitstellung (SCIM)",
  scimLead: "Identitätssysteme, die Personen anlegen und sperren",
});
