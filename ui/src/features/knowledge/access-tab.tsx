import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Building2, UserRound, Users, X } from "lucide-react";
import { api, body } from "@/api/client";
import { useSession } from "@/api/query";
import { Avatar } from "@/components/ui/avatar";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField } from "@/components/ui/field";
import { IconButton } from "@/components/ui/icon-button";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { AddAccess } from "./add-access";
import { type AccessEntry, accessQuery, type Knowledge } from "./queries";
import { accessWords, knowledgeWords } from "./words";

export function sameSubject(a: AccessEntry, b: AccessEntry): boolean {
  return a.person === b.person && a.group === b.group && a.workspace === b.workspace;
}

/** Who may read or edit a base. Each change counts at once and can be undone for a moment. */
export function AccessTab({ base }: { base: Knowledge }) {
  const words = useWords(knowledgeWords);
  const rules = useWords(accessWords);
  const { person } = useSession();
  const access = useQuery(accessQuery(base.id));
  const change = useChangeAccess(base.id);
  if (access.isPending) return <SkeletonRows rows={3} />;
  if (!access.data) return <ErrorPanel title={words.accessFailed} error={access.error} retry={() => void access.refetch()} />;

  const entries = access.data.entries;
  const nameOf = (entry: AccessEntry) => entry.name || words.unknownName;
  const put = (next: AccessEntry[], told: string) => change.mutate({ entries: next, before: entries, told });
  return (
    <div className="max-w-column">
      <p className="mb-3 text-muted">{words.accessLead}</p>
      <AddAccess
        taken={entries}
        owner={base.owner}
        onAdd={(entry) => put([...entries, entry], words.accessGiven(nameOf(entry)))}
      />
      {change.error ? <div className="mt-3"><ErrorPanel title={words.accessSaveFailed} error={change.error} retry={() => change.mutate(change.variables)} /></div> : null}
      <ul className="mt-4 overflow-hidden rounded-m bg-raised card-edge">
        <li className="flex min-h-14 items-center gap-3 px-4 py-2">
          <Avatar name={base.ownerName} />
          <span className="min-w-0 flex-1">
            <span className="block truncate">{base.owner === person.id ? `${base.ownerName} · ${words.you}` : base.ownerName}</span>
            <span className="block text-s text-muted">{words.accessOwner}</span>
          </span>
        </li>
        {entries.map((entry) => (
          <li key={entry.person ?? entry.group ?? entry.workspace} className="flex min-h-14 items-center gap-3 border-t border-line px-4 py-2 max-frame:flex-wrap">
            <SubjectIcon entry={entry} name={nameOf(entry)} />
            <span className="min-w-0 flex-1 basis-40">
              <span className="block truncate">{nameOf(entry)}</span>
              <span className="block text-s text-muted">{entry.workspace ? words.workspace : entry.group ? words.group : words.person}</span>
            </span>
            <SelectField
              hideLabel
              label={words.rightOf(nameOf(entry))}
              value={entry.right}
              options={[
                { value: "read", label: words.mayRead },
                { value: "edit", label: words.mayEdit },
                ...(entry.workspace ? [] : [{ value: "deny" as const, label: rules.mayNotRead }]),
              ]}
              disabled={change.isPending}
              onChange={(right) => put(entries.map((e) => (sameSubject(e, entry) ? { ...e, right } : e)), right === "deny" ? rules.denied(nameOf(entry)) : words.accessChanged(nameOf(entry)))}
              className="w-36 flex-none max-frame:ms-10.5"
            />
            <IconButton
              icon={X}
              label={words.removeAccess(nameOf(entry))}
              disabled={change.isPending}
              onClick={() => put(entries.filter((e) => !sameSubject(e, entry)), words.accessTaken(nameOf(entry)))}
            />
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="mt-3 text-s text-muted">{words.accessOnlyOwner}</p>}
    </div>
  );
}

export function SubjectIcon({ entry, name }: { entry: AccessEntry; name: string }) {
  if (entry.person) return entry.name ? <Avatar quiet name={name} className="size-7.5!" /> : <Round icon={UserRound} />;
  return <Round icon={entry.workspace ? Building2 : Users} />;
}

function Round({ icon: Icon }: { icon: typeof Users }) {
  return (
    <span aria-hidden="true" className="grid size-7.5 flex-none place-items-center rounded-full bg-selected text-muted">
      <Icon className="size-4" />
    </span>
  );
}

interface AccessChange {
  entries: AccessEntry[];
  before: AccessEntry[];
  told: string;
}

function useChangeAccess(id: string) {
  const queries = useQueryClient();
  const toast = useToast();
  const { queryKey } = accessQuery(id);
  const save = async (entries: readonly AccessEntry[]) => {
    // The server knows the names; it is told only who and what.
    const plain = entries.map(({ name: _, ...entry }) => entry);
    const saved = await body(api.PUT("/api/knowledge/{id}/access", { params: { path: { id } }, body: { entries: plain } }));
    queries.setQueryData(queryKey, saved);
    return saved;
  };
  return useMutation({
    mutationFn: ({ entries }: AccessChange) => save(entries),
    onSuccess: (_, { before, told }) =>
      toast(told, () => void save(before).catch(() => undefined).finally(() => queries.invalidateQueries({ queryKey }))),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
}
