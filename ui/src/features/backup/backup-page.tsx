import { useQuery } from "@tanstack/react-query";
import { DatabaseBackup, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { SkeletonRows } from "@/components/ui/skeleton";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { KeepCard } from "./keep-card";
import { drillsQuery, targetsQuery } from "./queries";
import { TargetCard } from "./target-card";
import { TargetDialog } from "./target-dialog";
import { backupWords } from "./words";

/** Where the data is copied to, how far each place is, and how long is kept; for administrators. */
export function BackupPage() {
  const words = useWords(backupWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Backups /> : <Empty heading icon={DatabaseBackup} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

function Backups() {
  const words = useWords(backupWords);
  const targets = useQuery(targetsQuery);
  const drills = useQuery(drillsQuery);
  const [adding, setAdding] = useState(false);
  const add = <Button kind="primary" onClick={() => setAdding(true)}><Plus aria-hidden="true" className="size-4" />{words.add}</Button>;
  const items = targets.data?.items;
  return (
    <div className="max-w-column">
      <PageTitle title={words.title} lead={words.lead} actions={items?.length ? add : undefined} />
      <div className="grid gap-4">
        {targets.isPending ? (
          <SkeletonRows rows={3} />
        ) : !items ? (
          <ErrorPanel title={words.failed} error={targets.error} retry={() => void targets.refetch()} />
        ) : items.length === 0 ? (
          <Empty icon={DatabaseBackup} title={words.none} action={add}>{words.noneLead}</Empty>
        ) : (
          <ul className="grid gap-4">
            {items.map((target) => <TargetCard key={target.id} target={target} drills={drills.data?.items ?? []} />)}
          </ul>
        )}
        <KeepCard />
      </div>
      {adding && <TargetDialog onClose={() => setAdding(false)} />}
    </div>
  );
}
