import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { key } from "./query";

/** The knowledge bases the person may read, page by page. */
export const knowledgeListQuery = infiniteQueryOptions({
  queryKey: key("/api/knowledge"),
  queryFn: ({ pageParam, signal }) =>
    body(api.GET("/api/knowledge", { params: { query: { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
  initialPageParam: "",
  getNextPageParam: (last) => last.next || undefined,
});
