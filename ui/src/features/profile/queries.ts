import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key, sessionQuery } from "@/api/query";

/** Where one is signed in. */
export const sessionsQuery = queryOptions({
  queryKey: key("/api/sessions"),
  queryFn: ({ signal }) => body(api.GET("/api/sessions", { signal })),
});

/** Changes one's own name, also in the frame around the page. */
export function useChangeName(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => body(api.PATCH("/api/people/{id}", { params: { path: { id } }, body: { name } })),
    onSuccess: (person) => {
      queries.setQueryData(sessionQuery.queryKey, (session) => session && { ...session, person });
      return queries.invalidateQueries({ queryKey: key("/api/people") });
    },
  });
}

export function useChangePassword() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: { current: string; password: string }) => api.PUT("/api/password", { body: change }),
    onSuccess: () => queries.invalidateQueries({ queryKey: key("/api/sessions") }),
  });
}

/** Ends one session, or without an id all others. */
export function useEndSession() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string | undefined) =>
      id === undefined ? api.DELETE("/api/sessions") : api.DELETE("/api/sessions/{id}", { params: { path: { id } } }),
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/sessions") }),
  });
}
