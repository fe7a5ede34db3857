import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";

/** What the page knows before it has asked anything: who is signed in, or what is missing. */
export type Bootstrap = { session: Schema<"Session"> } | { setup: boolean; passkey?: boolean; doors?: readonly unknown[] };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Only the server writes the bootstrap, but a proxy may have kept an old page. */
function isSession(value: unknown): value is Schema<"Session"> {
  return isRecord(value) && typeof value["csrf"] === "string" && isRecord(value["person"]) && isRecord(value["workspace"]);
}

/** Reads what the server wrote into the page; null when it wrote nothing. */
export function readBootstrap(text: string | null | undefined): Bootstrap | null {
  let found: unknown;
  try {
    found = JSON.parse(text || "null");
  } catch {
    return null;
  }
  if (!isRecord(found)) return null;
  if (isSession(found["session"])) return { session: found["session"] };
  if (isSession(found)) return { session: found };
  if (typeof found["setup"] === "boolean") {
    return { setup: found["setup"], ...(found["passkey"] === true && { passkey: true }), ...(Array.isArray(found["doors"]) && { doors: found["doors"] }) };
  }
  return null;
}

/** Asks the server instead, for a page that came without a bootstrap. */
export async function askBootstrap(): Promise<Bootstrap> {
  try {
    return { session: await body(api.GET("/api/session")) };
  } catch (error) {
    if (asProblem(error).status !== 401) throw error;
  }
  return { setup: (await body(api.GET("/api/setup"))).needed };
}
