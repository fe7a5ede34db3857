import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Model = Schema<"Model">;
export type Room = Schema<"Room">;

/** How an answer without a model is asked for: the documents' own words. */
export const extractive = "extractive";

/** The models the person may use. What is loaded changes without a notice, so it is asked again now and then. */
export const modelsQuery = queryOptions({
  queryKey: key("/api/models"),
  queryFn: ({ signal }) => body(api.GET("/api/models", { signal })),
  staleTime: 30_000,
});

/** How much of a model's context a chat fills. */
export function roomQuery(conversation: string, model: string) {
  return queryOptions({
    queryKey: key("/api/context", conversation, model),
    queryFn: ({ signal }) => body(api.GET("/api/context", { params: { query: { ...(conversation ? { conversation } : {}), ...(model ? { model } : {}) } }, signal })),
    staleTime: 60_000,
  });
}

export interface Models {
  /** Those that chat, as the server orders them. */
  list: readonly Model[];
  /** The list is known; before that nothing is said about models. */
  known: boolean;
  /** The model behind a name or one of its other names. */
  find: (name: string | undefined) => Model | undefined;
  /** What people see for a name. */
  label: (name: string) => string;
  /** The model that answers when `name` is chosen; undefined where the documents answer. */
  answering: (name: string) => Model | undefined;
}

export function useModels(): Models {
  const { data } = useQuery(modelsQuery);
  return useMemo(() => modelsOf(data), [data]);
}

function modelsOf(data: Schema<"ListModelsResponse"> | undefined): Models {
  const list = data?.items.filter((model) => model.kind === "chat") ?? [];
  const find = (name: string | undefined) => (name ? (list.find((model) => model.name === name) ?? list.find((model) => model.aliases.includes(name))) : undefined);
  // The server's own rule: the default where it can answer, otherwise the first that can.
  const usual = () => list.find((model) => model.default && model.available) ?? list.find((model) => model.available);
  return {
    list,
    known: data !== undefined,
    find,
    label: (name) => find(name)?.label ?? name,
    answering: (name) => {
      if (name === extractive) return undefined;
      const own = find(name);
      // One that cannot answer gives way to the usual one, as on the server.
      return own?.available ? own : usual();
    },
  };
}
