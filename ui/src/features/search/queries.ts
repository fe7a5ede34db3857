import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";

/** The chats whose title holds the words; without words the latest ones. */
export function foundChatsQuery(q: string) {
  return queryOptions({
    queryKey: key("/api/conversations", { q, limit: 6 }),
    queryFn: ({ signal }) => body(api.GET("/api/conversations", { params: { query: { limit: 6, q: q || undefined } }, signal })),
    placeholderData: (last) => last,
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
