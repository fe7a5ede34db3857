import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";

/** The chats whose title or messages hold the words; without words the latest ones. */
export function foundChatsQuery(query: string) {
  return queryOptions({
    queryKey: key("/api/search/conversations", { query }),
    queryFn: ({ signal }) => body(api.POST("/api/search/conversations", { body: { query, limit: query ? 20 : 8 }, signal })),
    placeholderData: (last) => last,
    staleTime: 10_000,
  });
}

/** The passages that hold the words, in everything one may read. */
export function foundPassagesQuery(q: string) {
  return queryOptions({
    queryKey: key("/api/search", { q }),
    queryFn: ({ signal }) => body(api.POST("/api/search", { body: { question: q, limit: 8 }, signal })),
    enabled: q.length > 2,
    placeholderData: (last) => (q.length > 2 ? last : undefined),
  });
}

/** The end of a chat, for a look at it. */
export function previewQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/conversations/{id}", id, "preview"),
    queryFn: ({ signal }) => body(api.GET("/api/conversations/{id}", { params: { path: { id }, query: { limit: 20 } }, signal })),
    staleTime: 60_000,
  });
}
