import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";

/** All directories, with what their last synchronisation came to. */
export const directoriesQuery = queryOptions({
  queryKey: key("/api/directories"),
  queryFn: ({ signal }) => body(api.GET("/api/directories", { signal })),
});

/** The identity systems that provision. */
export const scimQuery = queryOptions({
  queryKey: key("/api/scim"),
  queryFn: ({ signal }) => body(api.GET("/api/scim", { signal })),
});
