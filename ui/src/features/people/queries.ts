import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { paths } from "@/api/schema";
import type { Schema } from "@/api/types";

type BodyOf<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends {
  requestBody: { content: { "application/json": infer B } };
}
  ? B
  : never;

/** The people of the workspace by name, a page at a time. */
export function peopleQuery(q: string) {
  return infiniteQueryOptions({
    queryKey: key("/api/people", { q }),
    queryFn: ({ pageParam, signal }) =>
      body(api.GET("/api/people", { params: { query: { limit: 50, cursor: pageParam || undefined, q: q || undefined } }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next || undefined,
    placeholderData: (last) => last,
  });
}

/** Adds a person, who may sign in at once. */
export function useAddPerson() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (person: BodyOf<"/api/people", "post">) => body(api.POST("/api/people", { body: person })),
    onSuccess: () => queries.invalidateQueries({ queryKey: key("/api/people") }),
  });
}

export interface PersonChange {
  person: Schema<"Person">;
  change: BodyOf<"/api/people/{id}", "patch">;
}

/** Changes a person's roles, or whether the person may sign in. */
export function useChangePerson() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ person, change }: PersonChange) =>
      body(api.PATCH("/api/people/{id}", { params: { path: { id: person.id } }, body: change })),
    onSuccess: () => queries.invalidateQueries({ queryKey: key("/api/people") }),
  });
}

/** Which second steps some people have; who has none is not in it. */
export function factorsOfQuery(people: string[]) {
  return queryOptions({
    queryKey: key("/api/people/factors", { people }),
    queryFn: ({ signal }) => body(api.GET("/api/people/factors", { params: { query: { people } }, signal })),
    enabled: people.length > 0,
  });
}
