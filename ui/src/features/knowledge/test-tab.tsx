import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FileSearch, Search } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Progress } from "@/components/ui/progress";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { headingPath } from "@/lib/heading";
import { useLanguage, useWords } from "@/lib/words";
import type { Knowledge } from "./queries";
import { knowledgeWords } from "./words";

/** A question, and what would be found for it, best first: to see why an answer is what it is. */
export function TestTab({ base }: { base: Knowledge }) {
  const words = useWords(knowledgeWords);
  const [typed, setTyped] = useState("");
  const [question, setQuestion] = useState("");
  const search = useQuery({
    queryKey: key("/api/search", base.id, { question }),
    queryFn: ({ signal }) => body(api.POST("/api/search", { body: { question, knowledge: [base.id], limit: 20 }, signal })),
    enabled: question !== "",
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = typed.trim();
    if (next === "") return;
    if (next === question) void search.refetch();
    else setQuestion(next);
  };

  let content;
  if (question === "") content = <Empty icon={Search} title={words.testEmpty}>{words.testEmptyHelp}</Empty>;
  else if (search.isPending) content = <ResultSkeleton />;
  else if (!search.data) content = <ErrorPanel title={words.testFailed} error={search.error} retry={() => void search.refetch()} />;
  else if (search.data.items.length === 0) content = <Empty icon={FileSearch} title={words.testNone}>{words.testNoneHelp}</Empty>;
  else {
    content = (
      <section aria-label={words.found(search.data.items.length)}>
        <p role="status" className="mb-2 text-s text-muted">{words.found(search.data.items.length)}</p>
        <ol className="overflow-hidden rounded-m bg-raised card-edge">
          {search.data.items.map((passage, i) => (
            <Result key={passage.chunk} passage={passage} rank={i + 1} />
          ))}
        </ol>
      </section>
    );
  }
  return (
    <div className="max-w-column">
      <p className="mb-3 text-muted">{words.testLead}</p>
      <form onSubmit={submit} className="mb-5 flex gap-2">
        <TextField hideLabel icon={Search} label={words.testQuestion} placeholder={words.testQuestion} value={typed} onChange={(event) => setTyped(event.target.value)} className="min-w-0 flex-1" />
        <Button type="submit" kind="primary" busy={search.isFetching} disabled={typed.trim() === ""}>{words.test}</Button>
      </form>
      {content}
    </div>
  );
}

function Result({ passage, rank }: { passage: Schema<"Passage">; rank: number }) {
  const words = useWords(knowledgeWords);
  const language = useLanguage();
  const percent = new Intl.NumberFormat(language, { style: "percent" }).format(passage.coverage);
  const score = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(passage.score);
  const place = [passage.page > 0 && words.page(passage.page), headingPath(passage.heading, passage.document.title)].filter(Boolean).join(" · ");
  return (
    <li className="relative grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 border-line px-4 py-3 not-first:border-t hover:bg-hover frame:grid-cols-[auto_minmax(0,1fr)_8.5rem]">
      <span aria-label={words.rank(rank)} className="num w-5 text-end text-s leading-6 text-faint">{rank}</span>
      <div className="min-w-0">
        <Link
          to="/documents/$document"
          params={{ document: passage.document.id }}
          search={{ from: passage.start, to: passage.end }}
          className="block truncate font-medium text-text no-underline outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
        >
          {passage.document.title}
        </Link>
        {place && <p className="num truncate text-s text-muted">{place}</p>}
        <p dir="auto" className="mt-1 line-clamp-3 text-s leading-[1.55]">{passage.text}</p>
      </div>
      <dl className="num grid grid-cols-[auto_auto] content-start justify-between gap-x-2 text-s max-frame:col-start-2 max-frame:mt-2 max-frame:justify-start">
        <dt className="text-muted">{words.score}</dt>
        <dd className="text-end">{score}</dd>
        <dt className="text-muted">{words.coverage}</dt>
        <dd className="text-end">{percent}</dd>
        <dd className="col-span-2"><Progress className="mt-1" label={words.coverage} done={passage.coverage} total={1} /></dd>
      </dl>
    </li>
  );
}

function ResultSkeleton() {
  return (
    <Loading className="overflow-hidden rounded-m bg-raised card-edge">
      {[0, 1, 2].map((i) => (
        <div key={i} className="grid gap-2 border-line px-4 py-4 not-first:border-t">
          <Skeleton className="h-3.5 w-2/5" />
          <Skeleton className="h-3 w-full" />
          <Skeleton className="h-3 w-3/4" />
        </div>
      ))}
    </Loading>
  );
}
