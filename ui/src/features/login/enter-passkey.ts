import { api, body } from "@/api/client";
import type { Schema } from "@/api/types";
import { askPasskey } from "@/lib/passkey";
import { open } from "./enter";

/** Signs in with a passkey: by it alone, or as the second step that the ticket waits for. */
export async function signInByPasskey(ticket: string | undefined, trust: boolean): Promise<Schema<"Session">> {
  const question = await body(api.POST("/api/auth/passkey", { body: ticket === undefined ? {} : { ticket } }));
  const credential = await askPasskey(question.options);
  return open(await body(api.POST("/api/auth/passkey/finish", { body: { ticket: question.ticket, credential, trust, cookie: true } })));
}
