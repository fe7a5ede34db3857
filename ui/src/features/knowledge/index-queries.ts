import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { useRefresh } from "./queries";

export type BaseIndex = Schema<"IndexBody">;
export type Ranked = Schema<"Ranked">;
export type Explanation = Schema<"Explanation">;

const pace = 1_000;

/** Whether something is being built; what failed waits for a person. */
export function indexing(index: BaseIndex): boolean {
  return index.build?.state === "building" || index.renewals.total > 0;
}

export function indexQuery(id: string) {
  return queryOptions({
    queryKey: key("/api/knowledge/{id}/index", id),
    queryFn: ({ signal }) => body(api.GET("/api/knowledge/{id}/index", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && indexing(state.data) ? pace : 10 * pace),
  });
}

export type IndexAct = { act: "embed"; model: string } | { act: "again" } | { act: "stop" };

/** Changes how a base is indexed; the answer is how it is indexed now. */
export function useIndexAct(id: string) {
  const queries = useQueryClient();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (wanted: IndexAct) => {
      const params = { path: { id } };
      switch (wanted.act) {
        case "embed":
          return body(api.PUT("/api/knowledge/{id}/embedding", { params, body: { model: wanted.model } }));
        case "again":
          return body(api.POST("/api/knowledge/{id}/reindex", { params }));
        case "stop":
          return body(api.DELETE("/api/knowledge/{id}/reindex", { params }));
      }
    },
    onSuccess: (index) => queries.setQueryData(indexQuery(id).queryKey, index),
    onSettled: refresh,
  });
}

export interface Asked {
  question: string;
  document?: string;
  phrase?: string;
}

export function explainQuery(knowledge: string, { question, document, phrase }: Asked) {
  return queryOptions({
    queryKey: key("/api/explain", knowledge, { question, document, phrase }),
    queryFn: ({ signal }) =>
      body(
        api.POST("/api/explain", {
          body: { question, knowledge: [knowledge], limit: 20, ...(document ? { document } : {}), ...(phrase ? { phrase } : {}) },
          signal,
        }),
      ),
    enabled: question !== "",
  });
}
