import "@/styles/app.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { sessionQuery } from "@/api/query";
import type { Schema } from "@/api/types";
import { LiveProvider } from "@/components/ui/live";
import { ToastProvider } from "@/components/ui/toast";
import { TooltipProvider } from "@/components/ui/tooltip";
import { Connection } from "./connection";
import { LeaveContext } from "./leave-context";
import { Leaving } from "./leaving";
import { newQueryClient } from "./query-client";
import { newRouter } from "./router";

/** Everything behind the door. */
export default function Application({ session }: { session: Schema<"Session"> }) {
  const [queries] = useState(() => {
    const client = newQueryClient();
    client.setQueryData(sessionQuery.queryKey, session);
    return client;
  });
  const [router] = useState(() => newRouter(queries));
  const [leaving, setLeaving] = useState(false);
  if (leaving) return <Leaving />;
  return (
    <LeaveContext value={() => setLeaving(true)}>
      <QueryClientProvider client={queries}>
        <LiveProvider>
          <ToastProvider>
            <TooltipProvider>
              <Connection />
              <RouterProvider router={router} />
            </TooltipProvider>
          </ToastProvider>
        </LiveProvider>
      </QueryClientProvider>
    </LeaveContext>
  );
}
