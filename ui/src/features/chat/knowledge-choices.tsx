import { useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { type ReactNode, useState } from "react";
import { knowledgeListQuery } from "@/api/knowledge";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { chatWords } from "./words";

export interface KnowledgeChoicesProps {
  /** The chosen knowledge bases; none means all that may be read. */
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

/** From here on a list is long enough to be searched. */
const many = 8;

/** The knowledge bases to tick. */
export function KnowledgeChoices({ chosen, onChange }: KnowledgeChoicesProps) {
  const words = useWords(chatWords);
  const format = useFormat();
  const [find, setFind] = useState("");
  const query = useInfiniteQuery(knowledgeListQuery);
  const bases = query.data?.pages.flatMap((page) => page.items) ?? [];
  const wanted = find.trim().toLocaleLowerCase();
  const shown = bases.filter((base) => base.name.toLocaleLowerCase().includes(wanted));
  const lost = chosen.filter((id) => !bases.some((base) => base.id === id));
  const toggle = (id: string, on: boolean) => onChange(on ? [...chosen, id] : chosen.filter((other) => other !== id));
  return (
    <fieldset className="flex min-h-0 min-w-0 flex-col">
      <legend className="float-start px-2 pt-2 pb-1 text-xs font-medium text-faint">{words.knowledgeTitle}</legend>
      {bases.length > many && (
        <TextField hideLabel icon={Search} label={words.findKnowledge} placeholder={words.findKnowledge} value={find} onChange={(event) => setFind(event.target.value)} className="mx-1 mb-1.5" />
      )}
      <div className="thin-scroll min-h-0 overflow-y-auto">
        {!wanted && (
          <Tick checked={chosen.length === 0} onChange={() => onChange([])} end={words.allKnowledgeHelp}>
            {words.allKnowledge}
          </Tick>
        )}
        {query.isPending && (
          <Loading className="grid gap-3 p-2"><Skeleton className="w-3/5" /><Skeleton className="w-2/5" /></Loading>
        )}
        {query.isError && <ErrorPanel error={query.error} retry={() => void query.refetch()} />}
        {shown.map((base) => (
          <Tick key={base.id} checked={chosen.includes(base.id)} onChange={(on) => toggle(base.id, on)} end={words.documents(base.documents, format.number(base.documents))}>
            {base.name}
          </Tick>
        ))}
        {query.isSuccess && !query.hasNextPage && lost.map((id) => (
          <Tick key={id} checked onChange={() => toggle(id, false)}>{words.lostKnowledge}</Tick>
        ))}
        {wanted && shown.length === 0 && <p className="px-2 py-3 text-s text-muted">{words.noKnowledge}</p>}
        {query.hasNextPage && <More label={words.moreKnowledge} busy={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />}
      </div>
    </fieldset>
  );
}

function Tick({ checked, onChange, end, children }: { checked: boolean; onChange: (on: boolean) => void; end?: string; children: ReactNode }) {
  return (
    <label className="flex min-h-(--row) items-center gap-2.5 rounded-s px-2 py-1 hover:bg-hover has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-focus">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} className="size-4 flex-none accent-accent outline-none" />
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {end && <span className="num flex-none text-xs text-faint">{end}</span>}
    </label>
  );
}
