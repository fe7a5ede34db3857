import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useEffect } from "react";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card, PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { Pill } from "@/components/ui/pill";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { keysQuery } from "./queries";
import { RecoveryCard } from "./recovery-card";
import { keyWords } from "./words";

/** What the data is sealed with, and the recovery key; for administrators. */
export function KeysPage() {
  const words = useWords(keyWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Keys /> : <Empty heading icon={KeyRound} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

function Keys() {
  const words = useWords(keyWords);
  const { data, error, refetch } = useQuery(keysQuery);
  return (
    <div className="max-w-column">
      <PageTitle title={words.title} lead={words.lead} />
      {error && !data ? (
        <ErrorPanel error={error} title={words.failed} retry={() => void refetch()} />
      ) : !data ? (
        <Loading className="grid gap-3 py-2"><Skeleton className="w-3/5" /><Skeleton className="w-2/5" /></Loading>
      ) : (
        <div className="grid gap-4">
          <RecoveryCard there={data.recovery} />
          <Ways slots={data.slots} />
          <DataKeys status={data} />
        </div>
      )}
    </div>
  );
}

function Ways({ slots }: { slots: Schema<"KeySlot">[] }) {
  const words = useWords(keyWords);
  const format = useFormat();
  return (
    <Card title={words.ways}>
      <ul aria-label={words.ways} className="-mx-5 border-t border-line">
        {slots.map((slot) => (
          <li key={slot.slot} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-5 py-3">
            <span className="min-w-0 grow basis-64">
              <span className="font-medium">{words.kinds[slot.kind]}</span>
              {slot.where && <span className="block break-all text-muted">{slot.where}</span>}
            </span>
            <span className="text-muted">{words.made} {format.date(slot.made)}</span>
            {slot.inUse && <Pill kind="ok">{words.inUse}</Pill>}
          </li>
        ))}
      </ul>
      <p className="mt-3 text-muted">{words.operator}</p>
    </Card>
  );
}

function DataKeys({ status }: { status: Schema<"KeyStatus"> }) {
  const words = useWords(keyWords);
  const format = useFormat();
  return (
    <Card title={words.dataKeys}>
      <ul className="grid gap-1">
        {status.keys.map((key) => (
          <li key={key.number}>
            {key.current ? words.current(format.number(key.number), format.time(key.made)) : words.old(format.number(key.number), format.time(key.retired ?? key.made))}
          </li>
        ))}
      </ul>
      {status.progress && (
        <p className="mt-2 text-muted">{words.working(status.progress.phase, format.number(status.progress.done), format.number(status.progress.all))}</p>
      )}
      {status.failure && <p className="mt-2 text-danger">{status.failure}</p>}
    </Card>
  );
}
