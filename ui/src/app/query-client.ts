import { QueryClient } from "@tanstack/react-query";
import { asProblem } from "@/api/problem";

/** How often a question is asked again by itself, and how long an answer is good. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Notices say what changed; this is for the time without them.
        staleTime: 30_000,
        retry(count, error) {
          const { status } = asProblem(error);
          return count < 2 && (status === 0 || status === 502 || status === 503 || status === 504);
        },
        retryDelay: (count) => Math.min(1_000 * 2 ** count, 8_000),
        // The browser's own guess is wrong in closed networks without a way out.
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}
