import { api, body, setCSRF } from "@/api/client";
import type { Schema } from "@/api/types";

/** Signs in with a cookie and fetches the session that belongs to it; or says that a second step follows. */
export async function signIn(email: string, password: string): Promise<Schema<"Session"> | Schema<"Second">> {
  const login = await body(api.POST("/api/auth/login", { body: { email, password, cookie: true } }));
  return login.second ?? open(login);
}

/** The second step: a code of the app, or a recovery code. */
export async function signInSecond(ticket: string, code: string, trust: boolean): Promise<Schema<"Session">> {
  return open(await body(api.POST("/api/auth/second", { body: { ticket, code, trust, cookie: true } })));
}

/** Makes the owner of a new house and signs in. */
export async function setUp(owner: { token: string; email: string; name: string; password: string }): Promise<Schema<"Session">> {
  return open(await body(api.POST("/api/setup", { body: owner })));
}

/** Fetches the session that a sign-in has opened. */
export async function open(login: Schema<"Login">): Promise<Schema<"Session">> {
  if (login.csrf) setCSRF(login.csrf);
  return body(api.GET("/api/session"));
}
