import { Catalogue } from "@/lib/words";

export const secondWords = new Catalogue({
  code: "Code",
  codeMissing: "Enter the code.",
  codeHelp: "Six digits from your authenticator app, or one of your recovery codes",
  codeHelpApp: "Six digits from your authenticator app",
  codeWrong: "The code is not right, or it was used before. Wait for the next one.",
  ticketExpired: "That took too long. Go back and enter name and password again.",
  trust: "Ask for no code on this device for 30 days",
  back: "Back",
});
