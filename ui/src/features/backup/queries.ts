import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Target = Schema<"TargetOut">;
export type Trial = Schema<"TrialOut">;
export type Drill = Schema<"DrillOut">;
export type NewTarget = Schema<"AddBackupTargetRequest">;

/** The settings that say how often changes are copied and for how long they are kept. */
export const keepKeys = ["backup.intervalSeconds", "backup.secondsKeptHours", "backup.minutesKeptDays", "backup.hoursKeptDays", "backup.drillHour"] as const;
export type KeepKey = (typeof keepKeys)[number];

export const targetsQuery = queryOptions({
  queryKey: key("/api/backup/targets"),
  queryFn: ({ signal }) => body(api.GET("/api/backup/targets", { signal })),
  // How far a target is changes each second, without a notice.
  refetchInterval: 3_000,
});

/** The drills, the newest first; one that runs is asked for each second. */
export const drillsQuery = queryOptions({
  queryKey: key("/api/backup/drills"),
  queryFn: ({ signal }) => body(api.GET("/api/backup/drills", { params: { query: { limit: 60 } }, signal })),
  refetchInterval: ({ state }) => (state.data?.items.some((drill) => !drill.endedAt) ? 1_000 : 30_000),
});

export const keepQuery = queryOptions({
  queryKey: key("/api/settings"),
  queryFn: ({ signal }) => body(api.GET("/api/settings", { signal })),
});

function useRefresh() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: key("/api/backup/targets") });
}

export function useAddTarget() {
  const refresh = useRefresh();
  // What was typed as a secret is not kept behind the dialog.
  return useMutation({ mutationFn: (target: NewTarget) => body(api.POST("/api/backup/targets", { body: target })), gcTime: 0, onSuccess: refresh });
}

export function useTestTarget() {
  return useMutation({ mutationFn: (id: string) => body(api.POST("/api/backup/targets/{id}/test", { params: { path: { id } } })) });
}

export function useRemoveTarget() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => api.DELETE("/api/backup/targets/{id}", { params: { path: { id } } }), onSuccess: refresh });
}

export function useDrill() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (target: string) => body(api.POST("/api/backup/drills", { body: { target } })),
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/backup/drills") }),
  });
}

export function useCancelDrill() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.POST("/api/backup/drills/{id}/cancel", { params: { path: { id } } }),
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/backup/drills") }),
  });
}

export function useHostKey() {
  return useMutation({ mutationFn: (url: string) => body(api.POST("/api/backup/targets/host-key", { body: { url } })) });
}

/** Sets what was changed of the settings, one after the other. */
export function useKeep() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (changed: { name: KeepKey; value: number }[]) => {
      for (const { name, value } of changed) await api.PUT("/api/settings/{key}", { params: { path: { key: name } }, body: { value } });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/settings") }),
  });
}
