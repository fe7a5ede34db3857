import createFetchClient, { type Middleware } from "openapi-fetch";
import { ApiProblem, asProblem, problemFrom } from "./problem";
import type { paths } from "./schema";
import type { Schema } from "./types";

/** What the page knows about its own session; filled from the bootstrap. */
const credentials = { csrf: "" };
const expiryListeners = new Set<() => void>();
const reachListeners = new Set<(reached: boolean) => void>();
const againListeners = new Set<() => void>();
const sessionListeners = new Set<(session: Schema<"Session">) => void>();

/** Keeps the token that proves a writing request comes from this page. */
export function setCSRF(token: string): void {
  credentials.csrf = token;
}

/** Calls back when the server no longer knows the session. */
export function onSessionExpired(listener: () => void): () => void {
  expiryListeners.add(listener);
  return () => expiryListeners.delete(listener);
}

/** Calls back when another session has taken the place of this page's own. */
export function onSessionReplaced(listener: (session: Schema<"Session">) => void): () => void {
  sessionListeners.add(listener);
  return () => sessionListeners.delete(listener);
}

/** Calls back when somebody has signed in again over the page as it is. */
export function onSignedInAgain(listener: () => void): () => void {
  againListeners.add(listener);
  return () => againListeners.delete(listener);
}

/** Says that somebody has: what was refused for want of a session may be sent again. */
export function signedInAgain(): void {
  for (const tell of againListeners) tell();
}

/** Calls back after each request: whether the server was reached at all. */
export function onReach(listener: (reached: boolean) => void): () => void {
  reachListeners.add(listener);
  return () => reachListeners.delete(listener);
}

/**
 * The headers that every writing request needs. Uploads and streams that cannot
 * go through `api` use them too, and hand their refusals to `refusal`.
 */
export function writeHeaders(): Record<string, string> {
  return credentials.csrf ? { "X-CSRF-Token": credentials.csrf } : {};
}

/** Reads a refused response of any kind, and tells the page when the session is over. */
export async function refusal(response: Response): Promise<ApiProblem> {
  const raw = await response.text().catch(() => "");
  return refusalFrom(response.status, raw, response.headers.get("X-Request-Id") ?? "");
}

/** The same for an upload, which comes with a status and a text instead of a Response. */
export function refusalFrom(status: number, raw: string, request: string): ApiProblem {
  let body: unknown = null;
  try {
    body = JSON.parse(raw);
  } catch {
    // Not a problem document: a proxy in between answered.
  }
  if (status === 401) for (const tell of expiryListeners) tell();
  return problemFrom(status, body, request);
}

const safe = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Sends a request, and once more when the page's token was out of date: signing in
 * again in another tab begins a new session, which this tab then shares.
 */
async function send(request: Request): Promise<Response> {
  // Looked up per call, so that a test may stand in for the network.
  if (safe.has(request.method)) return globalThis.fetch(request);
  const again = request.clone();
  const response = await globalThis.fetch(request);
  if (response.status !== 403 || problemFrom(403, await response.clone().json().catch(() => null)).code !== "csrf") return response;
  const { data } = await api.GET("/api/session");
  if (!data) return response;
  credentials.csrf = data.csrf;
  for (const tell of sessionListeners) tell(data);
  again.headers.set("X-CSRF-Token", data.csrf);
  return globalThis.fetch(again);
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (!safe.has(request.method)) {
      for (const [name, value] of Object.entries(writeHeaders())) request.headers.set(name, value);
    }
    return request;
  },
  async onResponse({ request, response }) {
    for (const tell of reachListeners) tell(true);
    if (response.ok) return;
    const path = new URL(request.url).pathname;
    // A wrong password at the door is not an ended session.
    if (path === "/api/auth/login" || path === "/api/setup") {
      throw problemFrom(response.status, await response.json().catch(() => null), response.headers.get("X-Request-Id") ?? "");
    }
    throw await refusal(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    for (const tell of reachListeners) tell(false);
    return asProblem(error);
  },
};

/**
 * The one way to the server. A call either gives data or throws an ApiProblem:
 * `const { data } = await api.GET("/api/people", { params: { query } })`.
 */
export const api = createFetchClient<paths>({
  baseUrl: typeof location === "undefined" ? "/" : location.origin,
  fetch: send,
});
api.use(middleware);

/** Takes the body of an answer that must have one. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiProblem({ status: 502, code: "empty", detail: "" });
  return data;
}
