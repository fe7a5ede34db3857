import { Catalogue } from "@/lib/words";

export const passwordWords = new Catalogue({
  missing: "Enter a password.",
  broken: "The password does not keep the rules below.",
  length: (least: number) => `At least ${least} characters`,
  own: "Not the name or the e-mail address",
  met: "met",
  open: "not met yet",
});
