import { useQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { healthQuery, type Server } from "./queries";
import { modelWords } from "./words";

/** How a server was, the newest change first. */
export function HistoryDialog({ server, onClose }: { server: Server; onClose: () => void }) {
  const words = useWords(modelWords);
  const format = useFormat();
  const health = useQuery(healthQuery(server.id));
  return (
    <Dialog open wide onClose={onClose} title={words.historyTitle(server.name)}>
      {health.isPending ? (
        <SkeletonRows rows={3} />
      ) : !health.data ? (
        <ErrorPanel title={words.historyFailed} error={health.error} retry={() => void health.refetch()} />
      ) : (
        <ul className="thin-scroll grid max-h-[50dvh] gap-2 overflow-auto">
          {health.data.items.map((change) => (
            <li key={`${change.at}${change.state}`} className="flex flex-wrap items-baseline gap-x-3">
              <time className="num w-40 flex-none text-s text-muted" dateTime={change.at}>{format.time(change.at)}</time>
              <Pill kind={change.state === "ok" ? "ok" : change.state === "down" ? "bad" : "care"}>{words.states[change.state]}</Pill>
              {change.why && (
                <span className="min-w-0 flex-1 basis-60 text-s">
                  {change.why} {change.cure && <span className="text-muted">{change.cure}</span>}
                </span>
              )}
            </li>
          ))}
          {health.data.items.length === 0 && <li className="text-muted">{words.historyEmpty}</li>}
        </ul>
      )}
      <DialogActions><Button kind="primary" data-first-focus onClick={onClose}>{words.close}</Button></DialogActions>
    </Dialog>
  );
}
