import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Server = Schema<"Server">;
export type Model = Schema<"Model">;
export type ModelFile = Schema<"ModelFile">;
export type Access = Schema<"ModelAccess">;
export type Report = Schema<"Report">;
export type Kind = Server["kind"];

/** What an administrator tells about a server; absent fields stay as they are. */
export interface ServerValues {
  name: string;
  kind: Kind;
  url: string;
  token?: string;
  ca?: string;
  slots: number;
}

export const serversQuery = queryOptions({
  queryKey: key("/api/servers"),
  queryFn: ({ signal }) => body(api.GET("/api/servers", { signal })),
  // How much waits changes without a notice.
  refetchInterval: 5_000,
});

export const detectedQuery = queryOptions({
  queryKey: key("/api/servers/detected"),
  queryFn: ({ signal }) => body(api.GET("/api/servers/detected", { signal })),
  staleTime: 60_000,
});

export const modelsQuery = queryOptions({
  queryKey: key("/api/models", { all: true }),
  queryFn: ({ signal }) => body(api.GET("/api/models", { params: { query: { all: true } }, signal })),
});

export const filesQuery = queryOptions({
  queryKey: key("/api/models/files"),
  queryFn: ({ signal }) => body(api.GET("/api/models/files", { signal })),
});

export function healthQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/servers/{id}/health", id),
    queryFn: ({ signal }) => body(api.GET("/api/servers/{id}/health", { params: { path: { id }, query: { limit: 200 } }, signal })),
  });
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/jobs/{id}", id),
    queryFn: ({ signal }) => body(api.GET("/api/jobs/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && ended(state.data) ? false : 1_000),
  });
}

export function ended(job: Schema<"Job">): boolean {
  return job.state === "done" || job.state === "failed" || job.state === "cancelled";
}

/** Everything that shows servers or models. */
export function useRefresh() {
  const queries = useQueryClient();
  return () =>
    Promise.all(
      [key("/api/servers"), key("/api/models"), key("/api/models/files"), key("/api/servers/detected")].map((queryKey) =>
        queries.invalidateQueries({ queryKey }),
      ),
    );
}

export function useAddServer() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (values: ServerValues) => body(api.POST("/api/servers", { body: values })), onSuccess: refresh });
}

export function useChangeServer() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: Partial<Omit<ServerValues, "kind">> & { enabled?: boolean } }) =>
      body(api.PATCH("/api/servers/{id}", { params: { path: { id } }, body: change })),
    onSuccess: refresh,
  });
}

export function useRemoveServer() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => api.DELETE("/api/servers/{id}", { params: { path: { id } } }), onSuccess: refresh });
}

export function useRefreshServer() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => body(api.POST("/api/servers/{id}/refresh", { params: { path: { id } } })), onSettled: refresh });
}

/** Tests a server that is connected, or one that is about to be; leaving the page stops it. */
export function useTest() {
  const running = useRef<string | null>(null);
  const stop = () => {
    const key = running.current;
    running.current = null;
    // It may just have ended by itself, which is as good.
    if (key) api.DELETE("/api/servers/test/{key}", { params: { path: { key } } }).catch(() => undefined);
  };
  useEffect(() => stop, []);
  return useMutation({
    mutationFn: async (what: { id: string } | { values: Omit<ServerValues, "name" | "slots">; like?: string }) => {
      stop();
      const key = newKey();
      running.current = key;
      try {
        return await ("id" in what
          ? body(api.POST("/api/servers/{id}/test", { params: { path: { id: what.id } }, body: { key } }))
          : body(api.POST("/api/servers/test", { body: { ...what.values, ...(what.like ? { server: what.like } : {}), key } })));
      } finally {
        if (running.current === key) running.current = null;
      }
    },
  });
}

/** A key nobody guesses; randomUUID is missing where the page came without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface ModelChange {
  label?: string;
  enabled?: boolean;
  everyone?: boolean;
  access?: { kind: Access["kind"]; id: string }[];
  aliases?: string[];
  context?: number;
  default?: boolean;
}

export function useChangeModel() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: ModelChange }) =>
      body(api.PATCH("/api/models/{id}", { params: { path: { id } }, body: change })),
    onSuccess: refresh,
  });
}

export type MemoryAct = "load" | "unload" | "delete";

export function useMemory() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async ({ act, server, model }: { act: MemoryAct; server: string; model: string }) => {
      const path = { id: server };
      if (act === "load") await api.POST("/api/servers/{id}/load", { params: { path }, body: { model } });
      else if (act === "unload") await api.POST("/api/servers/{id}/unload", { params: { path }, body: { model } });
      else await api.DELETE("/api/servers/{id}/models", { params: { path, query: { name: model } } });
    },
    onSettled: refresh,
  });
}

export function useImport() {
  return useMutation({
    mutationFn: ({ server, ...rest }: { server: string; file: string; name: string; template?: string; context?: number }) =>
      body(api.POST("/api/servers/{id}/import", { params: { path: { id: server } }, body: rest })),
  });
}

export function useStopJob() {
  return useMutation({ mutationFn: (id: string) => api.POST("/api/jobs/{id}/cancel", { params: { path: { id } } }) });
}

export function useRemoveFile() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (name: string) => api.DELETE("/api/models/files/{name}", { params: { path: { name } } }), onSuccess: refresh });
}
