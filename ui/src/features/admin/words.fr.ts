import { adminWords } from "./words";

adminWords.put("fr", {
  title: "Administration",
  forbidden: "Cette page est réservée aux administrateurs.",
  forbiddenLead: "Adressez-vous à l’un d’eux si quelque chose doit changer.",
  people: "Personnes",
  peopleLead: "Qui peut se connecter, et avec quels rôles",
  models: "Modèles et serveurs",
  modelsLead: "Où les réponses sont écrites, et qui peut utiliser quel modèle",
  keys: "Clés",
  keysLead: "Ce qui ouvre les données de ce serveur, et la clé de secours",
  scan: "Analyse antivirus",
  scanLead: "L’analyseur auquel les fichiers sont montrés, et ce qu’il a trouvé",
  backup: "Sauvegardes",
  backupLead: "Où les données sont copiées, et où en est chaque copie",
  feedback: "Évaluations",
  feedbackLead: "Combien de fois les réponses ont été évaluées, et pourquoi.",
  directories: "Annuaires",
  directoriesLead: "LDAP et Active Directory : connexion, test, synchronisation",
  scim: "Provisionnement (SCIM)",
  scimLead: "Systèmes d’identité qui ajoutent et désactivent des personnes",
});
