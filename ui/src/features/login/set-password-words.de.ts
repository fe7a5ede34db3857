import { setPasswordWords } from "./set-password-words";

setPasswordWords.put("de", {
  title: "Passwort festlegen",
  lead: "Der Link gehört nur Ihnen und gilt einmal.",
  password: "Neues Passwort",
  set: "Passwort festlegen",
  done: "Ihr Passwort ist festgelegt.",
  doneLead: "Melden Sie sich damit an. Wo Sie angemeldet waren, sind Sie abgemeldet.",
  signIn: "Anmelden",
  broken: "Dieser Link ist nicht vollständig.",
  brokenLead: "Öffnen Sie ihn genau so, wie Sie ihn bekommen haben, mit allem nach dem Zeichen #.",
});
