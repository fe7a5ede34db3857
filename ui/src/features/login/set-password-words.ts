import { Catalogue } from "@/lib/words";

export const setPasswordWords = new Catalogue({
  title: "Set your password",
  lead: "The link is yours alone and works once.",
  password: "New password",
  set: "Set the password",
  done: "Your password is set.",
  doneLead: "Sign in with it. Wherever you were signed in, you are signed out.",
  signIn: "Sign in",
  broken: "This link is not complete.",
  brokenLead: "Open it exactly as you got it, with everything after the # sign.",
  mustTitle: "Set another password",
  mustLead: "Somebody else knows the present one. Nothing else can be done before.",
  current: "Present password",
});
