import { useQuery } from "@tanstack/react-query";
import { Building2, Plus, Search, UserRound, Users } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { api, body } from "@/api/client";
import { key, useSession } from "@/api/query";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import type { Access } from "./queries";
import { modelWords } from "./words";

const icons = { person: UserRound, group: Users, workspace: Building2 };

/** Finds people, groups and the workspace by a part of their name. */
export function SubjectFinder({ taken, onAdd }: { taken: readonly Access[]; onAdd: (subject: Access) => void }) {
  const words = useWords(modelWords);
  const { workspace } = useSession();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const q = useDeferredValue(typed.trim());
  const people = useQuery({
    queryKey: key("/api/people", { q, limit: 5 }),
    queryFn: ({ signal }) => body(api.GET("/api/people", { params: { query: { q, limit: 5 } }, signal })),
    enabled: q !== "",
  });
  const groups = useQuery({
    queryKey: key("/api/groups", "find"),
    queryFn: ({ signal }) => body(api.GET("/api/groups", { params: { query: { limit: 100 } }, signal })),
  });
  const matches = (name: string) => name.toLowerCase().includes(q.toLowerCase());
  const all: Access[] = [
    ...(matches(workspace.name) ? [{ kind: "workspace" as const, id: workspace.id, name: workspace.name }] : []),
    ...(groups.data?.items ?? []).filter((g) => matches(g.name)).slice(0, 5).map((g) => ({ kind: "group" as const, id: g.id, name: g.name })),
    ...(q === "" ? [] : (people.data?.items ?? []).map((p) => ({ kind: "person" as const, id: p.id, name: p.name }))),
  ];
  const offers = all.filter((subject) => !taken.some((t) => t.id === subject.id));
  const settled = q === typed.trim() && !groups.isLoading && !people.isLoading;
  const failure = groups.error ?? people.error;
  const add = (subject: Access) => {
    onAdd(subject);
    // The button that was pressed is gone then; the next one is found from the field.
    field.current?.focus();
  };
  return (
    <div>
      <TextField
        ref={field}
        icon={Search}
        type="search"
        label={words.findSubject}
        value={typed}
        autoComplete="off"
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
          // It stands in a form, which is not to be sent by a search.
          event.preventDefault();
          if (q !== "" && settled && offers[0]) add(offers[0]);
        }}
      />
      {failure && <div className="mt-2"><ErrorPanel error={failure} /></div>}
      {q !== "" && settled && !failure && all.length === 0 && <p role="status" className="mt-1 text-s text-muted">{words.noMatches}</p>}
      <ul className="mt-1">
        {offers.map((subject) => {
          const Icon = icons[subject.kind];
          const name = subject.name ?? subject.id;
          return (
            <li key={subject.id}>
              <button
                type="button"
                aria-label={words.addSubject(name)}
                onClick={() => add(subject)}
                className="flex min-h-(--row) w-full items-center gap-2 rounded-s px-2 text-start hover:bg-hover touch:min-h-11"
              >
                <Icon aria-hidden="true" className="size-4 text-muted" />
                <span className="min-w-0 flex-1 truncate">{name}</span>
                <span className="text-s text-muted">{words.subjectKinds[subject.kind]}</span>
                <Plus aria-hidden="true" className="size-4 text-muted" />
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
