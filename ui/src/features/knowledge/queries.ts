import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Knowledge = Schema<"Knowledge">;
export type Document = Schema<"Document">;
export type AccessEntry = Schema<"AccessEntry">;

/** How often is asked again while something is being read and no notice comes. */
const pace = 2_000;

export function working(document: Document): boolean {
  return document.state !== "ready" && document.state !== "failed" && document.state !== "quarantined";
}

export function baseQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/knowledge/{id}", id),
    queryFn: ({ signal }) => body(api.GET("/api/knowledge/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => ((state.data?.working ?? 0) > 0 || state.data?.indexing ? pace : false),
  });
}

/** What a list of documents is narrowed to; "" is all. */
export interface Narrow {
  q: string;
  state: Document["state"] | "";
  folder: string;
  tag: string;
  type: string;
}

export function documentsQuery(knowledge: string, { q, state, folder, tag, type }: Narrow) {
  const only = { ...(q ? { q } : {}), ...(state ? { state } : {}), ...(folder ? { folder: [folder] } : {}), ...(tag ? { tag: [tag] } : {}), ...(type ? { type: [type] } : {}) };
  return infiniteQueryOptions({
    queryKey: key("/api/documents", knowledge, only),
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/documents", {
          params: { query: { knowledge, limit: 50, managed: true, ...(pageParam ? { cursor: pageParam } : {}), ...only } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.items.some(working)) ? pace : false),
  });
}

export function documentQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/documents/{id}", id),
    queryFn: ({ signal }) => body(api.GET("/api/documents/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && working(state.data) ? pace : false),
  });
}

export function accessQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/knowledge/{id}/access", id),
    queryFn: ({ signal }) => body(api.GET("/api/knowledge/{id}/access", { params: { path: { id } }, signal })),
  });
}

/** By which folders, tags and types a base can be narrowed. */
export function outlineQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/knowledge/{id}/outline", id),
    queryFn: ({ signal }) => body(api.GET("/api/knowledge/{id}/outline", { params: { path: { id } }, signal })),
  });
}

/** Who may and who may not read a document. */
export function rulesQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/documents/{id}/access", id),
    queryFn: ({ signal }) => body(api.GET("/api/documents/{id}/access", { params: { path: { id } }, signal })),
  });
}

/** Everything that shows documents or counts them. */
export function useRefresh() {
  const queries = useQueryClient();
  return () => {
    for (const route of ["/api/documents", "/api/documents/{id}", "/api/documents/{id}/access", "/api/knowledge", "/api/knowledge/{id}", "/api/knowledge/{id}/outline"] as const) {
      void queries.invalidateQueries({ queryKey: key(route) });
    }
  };
}

export function useAddBase() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (name: string) => body(api.POST("/api/knowledge", { body: { name } })), onSuccess: refresh });
}

export function useRenameBase(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (name: string) => api.PATCH("/api/knowledge/{id}", { params: { path: { id } }, body: { name } }),
    onSuccess: refresh,
  });
}

export function useRemoveBase() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => api.DELETE("/api/knowledge/{id}", { params: { path: { id } } }), onSuccess: refresh });
}

/** Gives the password of a locked file. */
export function useUnlock() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ id, password }: { id: string; password: string }) =>
      body(api.PUT("/api/documents/{id}/password", { params: { path: { id } }, body: { password } })),
    onSettled: refresh,
  });
}

export type DocumentAct = "retry" | "cancel" | "remove" | "again" | "stop";

/** Acts on one document; the mutation remembers which, so that its error stands with it. */
export function useDocumentAct() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: async ({ document: { id }, act }: { document: Document; act: DocumentAct }) => {
      const params = { path: { id } };
      if (act === "retry") await api.POST("/api/documents/{id}/retry", { params });
      else if (act === "cancel") await api.POST("/api/documents/{id}/cancel", { params });
      else if (act === "again") await api.POST("/api/documents/{id}/reindex", { params });
      else if (act === "stop") await api.DELETE("/api/documents/{id}/reindex", { params });
      else await api.DELETE("/api/documents/{id}", { params });
    },
    onSettled: refresh,
  });
}

export type Chunk = Schema<"ChunkShown">;

/** Which passages of a document are listed: around an offset, of one page, or what is switched off. */
export type ChunkChoice = { from: number } | { page: number } | { disabled: true };

type ChunkPage = { cursor: string } | { before: string } | Record<never, never>;

export function chunksQuery(document: string, choice: ChunkChoice) {
  return infiniteQueryOptions({
    queryKey: key("/api/documents/{id}/chunks", document, choice),
    queryFn: ({ pageParam, signal }) => {
      // Around an offset the first page begins there; what follows and what stands before is asked for by place.
      const query = "from" in choice ? ("cursor" in pageParam || "before" in pageParam ? {} : choice) : choice;
      return body(api.GET("/api/documents/{id}/chunks", { params: { path: { id: document }, query: { limit: 30, ...query, ...pageParam } }, signal }));
    },
    initialPageParam: {} as ChunkPage,
    getNextPageParam: (last): ChunkPage | undefined => (last.next ? { cursor: last.next } : undefined),
    getPreviousPageParam: (first): ChunkPage | undefined => (first.previous ? { before: first.previous } : undefined),
    maxPages: 10,
    placeholderData: (before) => before,
  });
}

/** Switches a passage off or on; lists that show it, the document's counts and the search are asked again. */
export function useSwitchChunk(document: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ chunk, disabled }: { chunk: Chunk; disabled: boolean }) =>
      body(api.PATCH("/api/documents/{id}/chunks/{number}", { params: { path: { id: document, number: chunk.number } }, body: { disabled, start: chunk.start } })),
    onSettled: () => {
      for (const queryKey of [key("/api/documents/{id}/chunks", document), key("/api/documents/{id}", document), key("/api/documents"), key("/api/search")]) {
        void queries.invalidateQueries({ queryKey });
      }
    },
  });
}
