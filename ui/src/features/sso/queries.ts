import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Provider = Schema<"IdentityProvider">;
export type Settings = Provider["settings"];
export type Step = Schema<"SignOnStep">;

export const providersQuery = queryOptions({
  queryKey: key("/api/sso"),
  queryFn: ({ signal }) => body(api.GET("/api/sso", { signal })),
});

function useRefresh() {
  const queries = useQueryClient();
  return () => void queries.invalidateQueries({ queryKey: key("/api/sso") });
}

export interface NewProvider {
  kind: Provider["kind"];
  name: string;
  secret?: string;
  settings: Settings;
}

export function useAddProvider() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (provider: NewProvider) => body(api.POST("/api/sso", { body: provider })), onSuccess: refresh });
}

export interface ProviderChange {
  id: string;
  change: { enabled?: boolean; secret?: string; settings?: Settings };
}

export function useChangeProvider() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ id, change }: ProviderChange) => body(api.PATCH("/api/sso/{id}", { params: { path: { id } }, body: change })),
    onSuccess: refresh,
  });
}

export function useRemoveProvider() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => body(api.DELETE("/api/sso/{id}", { params: { path: { id } } })), onSuccess: refresh });
}

export function useTestProvider() {
  const refresh = useRefresh();
  return useMutation({ mutationFn: (id: string) => body(api.POST("/api/sso/{id}/test", { params: { path: { id } } })), onSettled: refresh });
}

/** Goes to the provider; the browser comes back to this page with each step noted. */
export function useTrial() {
  return useMutation({
    mutationFn: (name: string) => body(api.POST("/api/auth/sso/{name}", { params: { path: { name } }, body: { trial: true } })),
    onSuccess: ({ url }) => location.assign(url),
  });
}
