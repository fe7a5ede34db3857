import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Note } from "@/components/ui/note";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { adminWords } from "./words";

const alertsQuery = queryOptions({
  queryKey: key("/api/alerts"),
  queryFn: ({ signal }) => body(api.GET("/api/alerts", { signal })),
  refetchInterval: 10_000,
});

/** What an administrator should do something about now; nothing where all is well. */
export function Alerts() {
  const words = useWords(adminWords);
  const format = useFormat();
  const alerts = useQuery(alertsQuery);
  if (alerts.isError) return <div className="mb-4"><ErrorPanel title={words.alertsFailed} error={alerts.error} retry={() => void alerts.refetch()} /></div>;
  if (!alerts.data?.items.length) return null;
  return (
    <section aria-label={words.alerts} className="mb-6 grid gap-2">
      {alerts.data.items.map((alert) => (
        <Note key={`${alert.name} ${alert.object ?? ""}`} kind={alert.grave ? "bad" : "care"}>
          {alert.why} {alert.cure && <span className="text-muted">{alert.cure}</span>} <span className="num text-muted">{words.alertSince(format.time(alert.since))}</span>
        </Note>
      ))}
    </section>
  );
}
