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
  mustTitle: "Setzen Sie ein anderes Passwort",
  mustLead: "Jemand anderes kennt das jetzige. Vorher ist nichts anderes möglich.",
  current: "Jetziges Passwort",
});
