/** Which door a visitor without a session stands at. */
export function doorOf(at: { pathname: string }, setupNeeded: boolean): "set-up" | "sign-in" {
  return setupNeeded && at.pathname === "/setup" ? "set-up" : "sign-in";
}

/**
 * Where to go after the door: where one came from. The server shows the door at
 * any address, so that is mostly the address itself; `?to=` is taken only when it
 * stays on this origin.
 */
export function returnPath(at: { pathname: string; search: string; hash: string; origin: string }): string {
  if (at.pathname === "/setup") return "/";
  if (at.pathname !== "/sign-in") return at.pathname + at.search + at.hash;
  const to = new URLSearchParams(at.search).get("to");
  if (!to?.startsWith("/")) return "/";
  const target = new URL(to, at.origin);
  if (target.origin !== at.origin || ["/sign-in", "/setup"].includes(target.pathname)) return "/";
  return target.pathname + target.search + target.hash;
}
