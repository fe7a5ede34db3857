import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body } from "./client";
import type { paths } from "./schema";

/**
 * The key of a query is the route it asks, then what it asks for: that is what a
 * notice from the server invalidates (see app/live.ts).
 */
export function key<P extends keyof paths>(path: P, ...rest: readonly unknown[]): readonly [P, ...unknown[]] {
  return [path, ...rest];
}

/** The session of this page. The bootstrap fills it before the first paint. */
export const sessionQuery = queryOptions({
  queryKey: key("/api/session"),
  queryFn: ({ signal }) => body(api.GET("/api/session", { signal })),
  staleTime: Infinity,
});

/** Who is signed in; only inside the signed-in part of the application. */
export function useSession() {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error("there is no session");
  return data;
}
