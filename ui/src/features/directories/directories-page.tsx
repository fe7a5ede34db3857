import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Network } from "lucide-react";
import { useEffect, useState } from "react";
import { api, body } from "@/api/client";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card, PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { AddDirectory } from "./add-directory";
import { directoriesQuery } from "./queries";
import { SyncResult } from "./sync-result";
import { TestSteps } from "./test-steps";
import { directoryWords } from "./words";

/** The directories whose people sign in; for administrators. */
export function DirectoriesPage() {
  const words = useWords(directoryWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>{administers(person) ? <Directories /> : <Empty heading icon={Network} title={words.forbidden}>{words.forbiddenLead}</Empty>}</PageBody>
    </>
  );
}

function Directories() {
  const words = useWords(directoryWords);
  const { data, error, refetch } = useQuery(directoriesQuery);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} actions={!adding && <Button kind="primary" onClick={() => setAdding(true)}>{words.add}</Button>} />
      <div className="grid gap-4">
        {adding && <Card title={words.add}><AddDirectory onDone={() => setAdding(false)} /></Card>}
        {error && !data ? (
          <ErrorPanel error={error} title={words.failed} retry={() => void refetch()} />
        ) : !data ? (
          <SkeletonRows rows={3} />
        ) : data.items.length === 0 && !adding ? (
          <Empty icon={Network} title={words.none}>{words.noneLead}</Empty>
        ) : (
          data.items.map((directory) => <DirectoryCard key={directory.id} directory={directory} />)
        )}
      </div>
    </>
  );
}

function DirectoryCard({ directory: d }: { directory: Schema<"Directory"> }) {
  const words = useWords(directoryWords);
  const format = useFormat();
  const toast = useToast();
  const queries = useQueryClient();
  const [testing, setTesting] = useState(false);
  const [removing, setRemoving] = useState(false);
  const path = { params: { path: { id: d.id } } };
  const again = () => queries.invalidateQueries({ queryKey: directoriesQuery.queryKey });
  const sync = useMutation({
    mutationFn: async (dryRun: boolean) => {
      const { job } = await body(api.POST("/api/directories/{id}/sync", { ...path, body: { dryRun } }));
      for (;;) {
        const { state } = await body(api.GET("/api/jobs/{id}", { params: { path: { id: job } } }));
        if (state !== "waiting" && state !== "running") return;
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
    },
    onSettled: again,
  });
  const change = useMutation({
    mutationFn: (enabled: boolean) => api.PATCH("/api/directories/{id}", { ...path, body: { enabled } }),
    onSettled: again,
  });
  const remove = useMutation({
    mutationFn: () => body(api.DELETE("/api/directories/{id}", path)),
    onSuccess: ({ people }) => {
      toast(words.removed(people));
      return again();
    },
  });
  const problem = sync.error ?? change.error;
  return (
    <Card
      title={d.name}
      actions={d.downSince ? <Pill kind="bad">{words.down(format.age(d.downSince))}</Pill> : d.enabled ? <Pill kind="ok">{words.on}</Pill> : <Pill>{words.off}</Pill>}
    >
      <div className="grid gap-3">
        <p className="text-muted">
          {words.presets[d.settings.preset]} · <span className="break-all">{d.settings.urls.join(", ")}</span> · <span className="break-all">{d.settings.base}</span>
        </p>
        <p className="num text-s text-muted">{d.syncedAt ? words.synced(format.time(d.syncedAt)) : words.neverSynced} {d.settings.everyMinutes ? words.every(d.settings.everyMinutes) : words.byHand}</p>
        {d.settings.clearText && <Note kind="bad">{words.clearText}</Note>}
        {problem && <ErrorPanel error={problem} />}
        <div className="flex flex-wrap gap-2">
          <Button onClick={() => setTesting(!testing)} aria-expanded={testing}>{words.test}</Button>
          <Button busy={sync.isPending && sync.variables} onClick={() => sync.mutate(true)}>{words.dryRun}</Button>
          <Button busy={sync.isPending && !sync.variables} onClick={() => sync.mutate(false)}>{words.syncNow}</Button>
          <Button kind="quiet" busy={change.isPending} onClick={() => change.mutate(!d.enabled)}>{d.enabled ? words.switchOff : words.switchOn}</Button>
          <Button kind="danger" onClick={() => setRemoving(true)}>{words.remove}</Button>
        </div>
        {testing && <TestSteps id={d.id} />}
        {d.result && <SyncResult result={d.result} />}
        {d.settings.rules && d.settings.rules.length > 0 && (
          <section>
            <h3 className="font-semibold">{words.rules}</h3>
            <ul className="grid gap-1 text-s">
              {d.settings.rules.map((rule) => (
                <li key={rule.group + (rule.workspace ?? "") + (rule.role ?? "") + (rule.installation ?? "")} className="break-words">
                  <code>{rule.group}</code> → {[rule.installation, rule.role].filter(Boolean).join(", ")}
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
      <Confirm open={removing} onClose={() => setRemoving(false)} title={words.removeTitle(d.name)} keep={words.keep} act={words.remove} busy={remove.isPending} error={remove.error} onAct={() => remove.mutate()}>
        {words.removeLead}
      </Confirm>
    </Card>
  );
}
