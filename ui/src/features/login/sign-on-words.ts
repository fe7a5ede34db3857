import { Catalogue } from "@/lib/words";

export const signOnWords = new Catalogue({
  or: "or",
  with: (label: string) => `Sign in with ${label}`,
  down: "This way in cannot be used at the moment. Try again, or ask an administrator.",
  title: "Signing in",
  lead: "One moment, please.",
  failedTitle: "You could not be signed in this way.",
  failedLead: "Try again. If it stays, ask an administrator: the reason is in the log.",
  tooOften: "Too many attempts. Wait a minute, then try again.",
  secondTitle: "One more step",
  secondLead: "Enter a code to finish signing in",
  back: "Back to the sign-in page",
});
