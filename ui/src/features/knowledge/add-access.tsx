import { useQuery } from "@tanstack/react-query";
import { Building2, Users } from "lucide-react";
import { type KeyboardEvent, useDeferredValue, useId, useRef, useState } from "react";
import { api, body } from "@/api/client";
import { key, useSession } from "@/api/query";
import { Avatar } from "@/components/ui/avatar";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import type { AccessEntry } from "./queries";
import { knowledgeWords } from "./words";

interface Candidate {
  entry: AccessEntry;
  name: string;
  about: string;
}

interface AddAccessProps {
  taken: readonly AccessEntry[];
  owner: string;
  onAdd: (entry: AccessEntry) => void;
  /** What it is asked for, where it is not access to a base. */
  label?: string;
  /** People and groups without the whole workspace, or people only. */
  people?: boolean | "only";
}

/** Finds people, groups or the whole workspace by name; who is chosen may read. */
export function AddAccess({ taken, owner, onAdd, label, people }: AddAccessProps) {
  const words = useWords(knowledgeWords);
  const title = label ?? words.add;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const { candidates, error, pending } = useCandidates(useDeferredValue(typed.trim()), taken, owner, open, people);
  const current = candidates[Math.min(at, candidates.length - 1)];
  const optionID = (candidate: Candidate | undefined) => candidate && `${id}-${candidate.entry.person ?? candidate.entry.group ?? "all"}`;

  const choose = (candidate: Candidate | undefined) => {
    if (!candidate) return;
    setTyped("");
    setAt(0);
    setOpen(false);
    onAdd(candidate.entry);
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const count = candidates.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setOpen(true);
      if (count > 0) setAt((Math.min(at, count - 1) + (event.key === "ArrowDown" ? (open ? 1 : 0) : count - 1)) % count);
    } else if (event.key === "Enter" && open) choose(current);
    else if (event.key === "Escape" && open) setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={box}
      className="relative"
      onBlur={(event) => {
        if (!box.current?.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <TextField
        label={title}
        placeholder={words.addFind}
        role="combobox"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open ? optionID(current) : undefined}
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onKeyDown={press}
      />
      {open && (
        <div className="pop-in thin-scroll absolute inset-x-0 top-full z-20 mt-1.5 max-h-72 overflow-y-auto rounded-pop bg-raised p-1.25 float-edge">
          {error ? (
            <ErrorPanel title={words.addFailed} error={error} />
          ) : candidates.length === 0 ? (
            <p role="status" className="px-2 py-2 text-s text-muted">{pending ? "…" : words.addNone}</p>
          ) : null}
          <ul id={`${id}-list`} role="listbox" aria-label={title}>
            {candidates.map((candidate) => (
              // The field has the keys; the list only takes the pointer.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <li
                key={optionID(candidate)}
                id={optionID(candidate)}
                role="option"
                aria-selected={candidate === current}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => choose(candidate)}
                className={cx("flex min-h-11 cursor-pointer items-center gap-3 rounded-s px-2 py-1 hover:bg-hover", candidate === current && "bg-hover")}
              >
                {candidate.entry.person ? (
                  <Avatar quiet name={candidate.name} />
                ) : (
                  <span aria-hidden="true" className="grid size-6.5 flex-none place-items-center rounded-full bg-selected text-muted">
                    {candidate.entry.group ? <Users className="size-3.75" /> : <Building2 className="size-3.75" />}
                  </span>
                )}
                <span className="min-w-0 flex-1">
                  <span className="block truncate">{candidate.name}</span>
                  <span className="block truncate text-xs text-muted">{candidate.about}</span>
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}

function useCandidates(q: string, taken: readonly AccessEntry[], owner: string, enabled: boolean, only?: boolean | "only") {
  const words = useWords(knowledgeWords);
  const { workspace } = useSession();
  const people = useQuery({
    queryKey: key("/api/people", "find", { q }),
    queryFn: ({ signal }) => body(api.GET("/api/people", { params: { query: { limit: 20, ...(q ? { q } : {}) } }, signal })),
    placeholderData: (before) => before,
    enabled,
  });
  const groups = useQuery({
    queryKey: key("/api/groups", "find"),
    queryFn: ({ signal }) => body(api.GET("/api/groups", { params: { query: { limit: 100 } }, signal })),
    enabled,
  });
  const wanted = q.toLocaleLowerCase();
  const matches = (name: string) => name.toLocaleLowerCase().includes(wanted);
  const candidates: Candidate[] = [];
  if (!only && !taken.some((entry) => entry.workspace === workspace.id) && (matches(workspace.name) || matches(words.workspace))) {
    candidates.push({ entry: { workspace: workspace.id, right: "read", name: workspace.name }, name: workspace.name, about: words.workspace });
  }
  for (const group of only === "only" ? [] : (groups.data?.items ?? [])) {
    if (!matches(group.name) || taken.some((entry) => entry.group === group.id)) continue;
    candidates.push({ entry: { group: group.id, right: "read", name: group.name }, name: group.name, about: words.groupOf(group.members) });
  }
  for (const person of people.data?.items ?? []) {
    if (person.id === owner || taken.some((entry) => entry.person === person.id)) continue;
    candidates.push({ entry: { person: person.id, right: "read", name: person.name }, name: person.name, about: person.email });
  }
  return { candidates, error: people.data ? null : people.error, pending: people.isPending || groups.isPending };
}
