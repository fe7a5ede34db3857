import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { sessionQuery } from "@/api/query";
import type { Schema } from "@/api/types";
import { newQueryClient } from "@/app/query-client";
import { LiveProvider } from "@/components/ui/live";
import { ToastProvider } from "@/components/ui/toast";
import { TooltipProvider } from "@/components/ui/tooltip";
import { LanguageProvider, type Language } from "@/lib/words";
import { aSession } from "./people";

interface Stage {
  session?: Schema<"Session">;
  language?: Language;
  /** The pattern of the route the page is shown at, with its parameters. */
  path?: string;
  /** The address it is opened with. */
  at?: string;
}

/**
 * Shows a page with the providers it really has; only the network is played (see
 * server.ts). Links to other routes lead to an empty page.
 */
export function show(page: ReactNode, { session = aSession(), language = "en", path = "/", at = path }: Stage = {}) {
  const queries: QueryClient = newQueryClient();
  queries.setDefaultOptions({ queries: { ...queries.getDefaultOptions().queries, retry: false } });
  queries.setQueryData(sessionQuery.queryKey, session);
  const root = createRootRoute({ component: Outlet, notFoundComponent: () => null });
  const route = createRoute({ getParentRoute: () => root, path, component: () => page });
  const router = createRouter({ routeTree: root.addChildren([route]), history: createMemoryHistory({ initialEntries: [at] }) });
  const view = render(
    <LanguageProvider language={language}>
      <TooltipProvider>
        <QueryClientProvider client={queries}>
          <LiveProvider>
            <ToastProvider>
              {/* The registered router is the application's; this one stands in for it. */}
              <RouterProvider router={router as never} />
            </ToastProvider>
          </LiveProvider>
        </QueryClientProvider>
      </TooltipProvider>
    </LanguageProvider>,
  );
  return { ...view, queries, router };
}
