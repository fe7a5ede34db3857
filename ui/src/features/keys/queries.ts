import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";

/** The ways to the keys and how far a rotation is; no secret is in it. */
export const keysQuery = queryOptions({
  queryKey: key("/api/keys"),
  queryFn: ({ signal }) => body(api.GET("/api/keys", { signal })),
  // A rotation goes on in the background: whoever watches it sees it move.
  refetchInterval: (query) => (query.state.data?.progress ? 2_000 : 30_000),
});

/** Makes a recovery key. The answer is never kept in the cache of queries. */
export function useNewRecovery() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/keys/recovery")),
    gcTime: 0,
    onSuccess: () => queries.invalidateQueries({ queryKey: key("/api/keys") }),
  });
}

export function useTestRecovery() {
  return useMutation({
    mutationFn: (text: string) => api.POST("/api/keys/recovery/test", { body: { key: text } }),
    gcTime: 0,
  });
}
