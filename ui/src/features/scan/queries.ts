import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type ScannerState = Schema<"ScannerState">;
export type Quarantined = Schema<"Quarantined">;

/** Why a document leaves the quarantine, as the record takes it. */
export const reasons = { release: ["false-alarm", "checked", "test-file", "needed"], delete: ["malware", "unwanted", "test-file"] } as const;
export type Reason = (typeof reasons)[keyof typeof reasons][number];

export const scannerQuery = queryOptions({
  queryKey: key("/api/scanner"),
  queryFn: ({ signal }) => body(api.GET("/api/scanner", { signal })),
  refetchInterval: 10_000,
});

export const quarantineQuery = infiniteQueryOptions({
  queryKey: key("/api/quarantine"),
  queryFn: ({ pageParam, signal }) =>
    body(api.GET("/api/quarantine", { params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
  initialPageParam: "",
  getNextPageParam: (last) => last.next || undefined,
  refetchInterval: 10_000,
});

function useRefresh() {
  const queries = useQueryClient();
  return () => {
    for (const route of ["/api/scanner", "/api/quarantine", "/api/documents", "/api/documents/{id}"] as const) {
      void queries.invalidateQueries({ queryKey: key(route) });
    }
  };
}

/** Sets the scanner's address and what becomes of files without a verdict. */
export function useSetScanner() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async ({ address, unjudged }: { address: string; unjudged: ScannerState["unjudged"] }) => {
      const set = (name: string, value: string) => api.PUT("/api/settings/{key}", { params: { path: { key: name } }, body: { value } });
      await set("scan.unjudged", unjudged);
      await set("scan.address", address);
    },
    onSettled: refresh,
  });
}

export interface Decision {
  id: string;
  act: keyof typeof reasons;
  reason: Reason;
  reference: string;
}

export function useDecide() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async ({ id, act, reason, reference }: Decision) => {
      if (act === "release") await api.POST("/api/quarantine/{id}/release", { params: { path: { id } }, body: { reason, reference } });
      else await api.DELETE("/api/quarantine/{id}", { params: { path: { id }, query: { reason, reference } } });
    },
    onSettled: refresh,
  });
}
