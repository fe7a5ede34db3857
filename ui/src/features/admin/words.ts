import { Catalogue } from "@/lib/words";

export const adminWords = new Catalogue({
  title: "Administration",
  forbidden: "This page is for administrators.",
  forbiddenLead: "Ask one of them if you need something changed.",
  people: "People",
  peopleLead: "Who may sign in, and with which roles",
  models: "Models and servers",
  modelsLead: "Where answers are written, and who may use which model",
  keys: "Keys",
  keysLead: "What opens the data of this server, and the recovery key",
  scan: "Malware scan",
  scanLead: "The scanner that files are shown to, and what it found",
  backup: "Backups",
  backupLead: "Where the data is copied to, and how far each copy is",
  feedback: "Feedback",
  feedbackLead: "How often answers were rated, and why.",
  directories: "Directories",
  directoriesLead: "LDAP and Active Directory: sign-in, test, synchronisation",
  scim: "Provisioning (SCIM)",
  scimLead: "Identity systems that add and disable people",
});
