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
  codeHelpRecovery: "One of your recovery codes",
  passkey: "Sign in with a passkey",
  passkeyWrong: "The passkey was not accepted. Try again, or sign in another way.",
  passkeyCopied: "There may be a copy of this passkey, so it is not accepted any more. Sign in another way, and tell an administrator.",
  passkeyGivenUp: "The device gave no passkey. Try again, and answer what the browser asks.",
});
