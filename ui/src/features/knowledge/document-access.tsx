import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { Dialog } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Choice, SelectField } from "@/components/ui/field";
import { IconButton } from "@/components/ui/icon-button";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { SubjectIcon } from "./access-tab";
import { AddAccess } from "./add-access";
import { type AccessEntry, type Document, rulesQuery, useRefresh } from "./queries";
import { accessWords, knowledgeWords } from "./words";

type Rules = Schema<"Rules">;
type Rule = Schema<"RuleEntry">;

const same = (a: Rule | AccessEntry, b: Rule | AccessEntry) => a.person === b.person && a.group === b.group;

/** A person or group of one list as the other one has them. */
const asEntry = ({ person, group, name }: Rule): AccessEntry => ({ ...(person ? { person } : {}), ...(group ? { group } : {}), ...(name ? { name } : {}), right: "read" });

/** Who may read one document, and why. Each change counts at once and can be undone for a moment. */
export function DocumentAccess({ document, onClose }: { document: Document; onClose: () => void }) {
  const words = useWords(accessWords);
  const rules = useQuery(rulesQuery(document.id));
  return (
    <Dialog open wide onClose={onClose} title={words.accessOf(document.title)} lead={words.lead}>
      {/* The first thing that takes the focus would open its list. */}
      <div data-first-focus tabIndex={-1} className="outline-none">
        {rules.isPending ? <SkeletonRows rows={3} /> : rules.data ? <Editor id={document.id} rules={rules.data} /> : <ErrorPanel title={words.failed} error={rules.error} retry={() => void rules.refetch()} />}
      </div>
    </Dialog>
  );
}

function Editor({ id, rules }: { id: string; rules: Rules }) {
  const words = useWords(accessWords);
  const base = useWords(knowledgeWords);
  const change = useChangeRules(id, rules);
  const { restricted, entries, manages } = rules;
  const nameOf = (entry: Rule | AccessEntry) => entry.name || base.unknownName;
  const put = (next: Rule[], told: string) => change.mutate({ restricted, entries: next, told });
  return (
    <>
      {manages && (
        <>
          <Choice
            label={words.who}
            value={restricted ? "only" : "base"}
            options={[{ value: "base", label: words.everybody }, { value: "only", label: words.only }]}
            onChange={(value) =>
              change.mutate(
                value === "only"
                  ? { restricted: true, entries, told: words.restrictedNow }
                  : { restricted: false, entries: entries.filter((entry) => entry.right === "deny"), told: words.openNow },
              )
            }
          />
          <div className="mt-4">
            <AddAccess
              people
              label={restricted ? words.addAllowed : words.addDenied}
              taken={entries.map(asEntry)}
              owner=""
              onAdd={({ person, group, name = "" }) =>
                put(
                  [...entries, { ...(person ? { person } : {}), ...(group ? { group } : {}), name, right: restricted ? "allow" : "deny" }],
                  restricted ? base.accessGiven(name) : words.denied(name),
                )
              }
            />
          </div>
        </>
      )}
      {change.error ? <div className="mt-3"><ErrorPanel title={words.saveFailed} error={change.error} /></div> : null}
      <ul aria-label={words.rules} className="mt-3 rounded-m card-edge empty:hidden">
        {entries.map((entry) => (
          <li key={entry.person ?? entry.group} className="flex min-h-12 items-center gap-3 border-line px-3 py-1.5 not-first:border-t max-frame:flex-wrap">
            <SubjectIcon entry={asEntry(entry)} name={nameOf(entry)} />
            <span className="min-w-0 flex-1 basis-32 truncate">{nameOf(entry)}</span>
            {manages && restricted ? (
              <SelectField
                hideLabel
                label={words.ruleOf(nameOf(entry))}
                value={entry.right}
                options={[{ value: "allow", label: words.mayRead }, { value: "deny", label: words.mayNotRead }]}
                disabled={change.isPending}
                onChange={(right) => put(entries.map((other) => (same(other, entry) ? { ...other, right } : other)), words.changed(nameOf(entry)))}
                className="w-36 flex-none"
              />
            ) : (
              <span className="text-s text-muted">{entry.right === "allow" ? words.mayRead : words.mayNotRead}</span>
            )}
            {manages && (
              <IconButton icon={X} label={words.take(nameOf(entry))} disabled={change.isPending} onClick={() => put(entries.filter((other) => !same(other, entry)), words.taken(nameOf(entry)))} />
            )}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="mt-3 text-s text-muted">{restricted ? words.onlyEmpty : words.everybodyEmpty}</p>}
      <Inherited rules={rules} />
      <Check id={id} rules={rules} />
    </>
  );
}

/** What the knowledge base gives, and what the rules leave of it. */
function Inherited({ rules }: { rules: Rules }) {
  const words = useWords(accessWords);
  const base = useWords(knowledgeWords);
  const owner: AccessEntry = { person: rules.owner, name: rules.ownerName, right: "edit" };
  const standing = (entry: AccessEntry) => {
    const rule = rules.entries.find((other) => !entry.workspace && same(other, entry));
    if (entry.right === "deny") return words.keptOutBase;
    if (rule?.right === "deny") return words.keptOut;
    if (rules.restricted && rule?.right !== "allow") return words.ifAllowed;
    return entry === owner ? words.owns : entry.right === "edit" ? words.edits : words.reads;
  };
  return (
    <>
      <h3 className="mt-5 text-s font-medium">{words.base}</h3>
      <ul aria-label={words.base} className="mt-1">
        {[owner, ...rules.knowledge].map((entry) => (
          <li key={`${entry === owner}${entry.person ?? entry.group ?? "all"}`} className="flex min-h-10 items-center gap-x-3 py-1 text-muted max-frame:flex-wrap">
            <SubjectIcon entry={entry} name={entry.name ?? ""} />
            <span className="min-w-0 flex-1 basis-44 truncate text-text">{entry.workspace ? base.workspace : entry.name || base.unknownName}</span>
            <span className="text-end text-s max-frame:ms-10.5 max-frame:w-full max-frame:text-start">{standing(entry)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Says of one person what holds for them, and what decides it. */
function Check({ id, rules }: { id: string; rules: Rules }) {
  const words = useWords(accessWords);
  const [person, setPerson] = useState<{ id: string; name: string }>();
  const why = useQuery({
    // The rules are part of the question: another answer holds after a change.
    queryKey: key("/api/documents/{id}/access/{person}", id, person?.id, rules),
    queryFn: ({ signal }) => body(api.GET("/api/documents/{id}/access/{person}", { params: { path: { id, person: person?.id ?? "" } }, signal })),
    enabled: person !== undefined,
  });
  const sentence = ({ right, by, document, groupName = "" }: Schema<"Why">, name: string) => {
    switch (by) {
      case "deny":
        return (document ? words.byDeny : words.byDenyBase)(name, groupName);
      case "restricted":
        return words.byRestricted(name);
      case "owner":
        return words.byOwner(name, right === "edit");
      case "entry":
        return words.byEntry(name, right === "edit", groupName);
      case "workspace":
        return words.byWorkspace(name);
      default:
        return words.byNothing(name);
    }
  };
  return (
    <div className="mt-5">
      <AddAccess people="only" label={words.check} taken={[]} owner="" onAdd={(entry) => setPerson({ id: entry.person ?? "", name: entry.name ?? "" })} />
      {person && (
        <p role="status" className="mt-2 min-h-6">
          {why.data && sentence(why.data, person.name)}
        </p>
      )}
      {why.isError && <ErrorPanel title={words.checkFailed} error={why.error} retry={() => void why.refetch()} />}
    </div>
  );
}

interface RulesChange {
  restricted: boolean;
  entries: Rule[];
  told: string;
}

function useChangeRules(id: string, before: Rules) {
  const queries = useQueryClient();
  const refresh = useRefresh();
  const toast = useToast();
  const { queryKey } = rulesQuery(id);
  const save = async ({ restricted, entries }: Pick<RulesChange, "restricted" | "entries">) => {
    // The server knows the names; it is told only who and what.
    const plain = entries.map(({ name: _, ...entry }) => entry);
    queries.setQueryData(queryKey, await body(api.PUT("/api/documents/{id}/access", { params: { path: { id } }, body: { restricted, entries: plain } })));
  };
  return useMutation({
    mutationFn: (change: RulesChange) => save(change),
    onSuccess: (_, { told }) => toast(told, () => void save(before).catch(() => undefined).finally(refresh)),
    onSettled: refresh,
  });
}
