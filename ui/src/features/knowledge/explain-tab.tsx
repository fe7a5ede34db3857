import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, CircleMinus, FileSearch, Search } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField, TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { headingPath } from "@/lib/heading";
import { useLanguage, useWords } from "@/lib/words";
import { type Asked, type Explanation, explainQuery, type Ranked } from "./index-queries";
import { indexWords } from "./index-words";
import { documentsQuery, type Knowledge } from "./queries";
import { knowledgeWords } from "./words";

/** A question, what is found for it with both ranks, and why an expected document is not. */
export function ExplainTab({ base }: { base: Knowledge }) {
  const words = useWords(knowledgeWords);
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState<Asked>({ question: "" });
  const query = useQuery(explainQuery(base.id, asked));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const question = typed.trim();
    if (question === "") return;
    if (question === asked.question) void query.refetch();
    else setAsked({ question });
  };
  let content;
  if (asked.question === "") content = <Empty icon={Search} title={words.testEmpty}>{words.testEmptyHelp}</Empty>;
  else if (query.isPending) content = <SkeletonRows rows={4} />;
  else if (!query.data) content = <ErrorPanel title={words.testFailed} error={query.error} retry={() => void query.refetch()} />;
  else content = <Explained base={base} explanation={query.data} onExpect={(document, phrase) => setAsked({ question: asked.question, document, phrase })} />;
  return (
    <div className="max-w-column">
      <p className="mb-3 text-muted">{words.testLead}</p>
      <form onSubmit={submit} className="mb-5 flex gap-2">
        <TextField hideLabel icon={Search} label={words.testQuestion} placeholder={words.testQuestion} value={typed} onChange={(event) => setTyped(event.target.value)} className="min-w-0 flex-1" />
        <Button type="submit" kind="primary" busy={query.isFetching} disabled={typed.trim() === ""}>{words.test}</Button>
      </form>
      {content}
    </div>
  );
}

function Explained({ base, explanation, onExpect }: { base: Knowledge; explanation: Explanation; onExpect: (document: string, phrase: string) => void }) {
  const words = useWords(knowledgeWords);
  const own = useWords(indexWords);
  const asked = explanation.bases[0];
  return (
    <div className="grid gap-5">
      {explanation.notes.map((note) => <Note key={note.reason} kind="care">{note.reason} {note.cure}</Note>)}
      {explanation.passages.length === 0 ? (
        <Empty icon={FileSearch} title={words.testNone}>{words.testNoneHelp}</Empty>
      ) : (
        <section aria-label={words.found(explanation.passages.length)}>
          <p role="status" className="mb-2 text-s text-muted">
            {words.found(explanation.passages.length)}
            {asked && `, ${asked.compared ? own.model1(asked.model) : own.wordsOnly}`}
          </p>
          <ol className="overflow-hidden rounded-m bg-raised card-edge">
            {explanation.passages.map((passage) => <Result key={passage.chunk} passage={passage} />)}
          </ol>
        </section>
      )}
      <Why base={base} explanation={explanation} onExpect={onExpect} />
    </div>
  );
}

function Why({ base, explanation, onExpect }: { base: Knowledge; explanation: Explanation; onExpect: (document: string, phrase: string) => void }) {
  const own = useWords(indexWords);
  const list = useInfiniteQuery(documentsQuery(base.id, { q: "", state: "", folder: "", tag: "", type: "" }));
  const [document, setDocument] = useState(explanation.expected?.document.id ?? "");
  const [phrase, setPhrase] = useState("");
  const documents = list.data?.pages.flatMap((page) => page.items) ?? [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (document) onExpect(document, phrase.trim());
  };
  return (
    <section aria-label={own.why} className="grid gap-3">
      <div>
        <h3 className="font-medium">{own.why}</h3>
        <p className="text-s text-muted">{own.whyLead}</p>
      </div>
      <form onSubmit={submit} className="flex flex-wrap items-end gap-2">
        <SelectField
          label={own.document}
          value={document}
          options={[{ value: "", label: own.choose }, ...documents.map(({ id, title }) => ({ value: id, label: title }))]}
          onChange={setDocument}
          className="min-w-52 flex-1"
        />
        <TextField label={own.phrase} value={phrase} onChange={(event) => setPhrase(event.target.value)} className="min-w-52 flex-1" />
        <Button type="submit" disabled={document === ""}>{own.explain}</Button>
      </form>
      {list.hasNextPage && <Button small kind="quiet" className="justify-self-start" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>…</Button>}
      {explanation.expected && (
        <div role="status" className="grid gap-3 rounded-m bg-raised p-4 card-edge">
          <p className="font-medium">{explanation.expected.document.title}</p>
          <ul className="grid gap-1.5">
            {explanation.expected.reasons.map((reason) => (
              <li key={reason.code} className="flex items-start gap-2 text-s">
                {reason.code === "found" ? <Check aria-hidden="true" className="mt-0.5 size-4 flex-none text-success" /> : <CircleMinus aria-hidden="true" className="mt-0.5 size-4 flex-none text-muted" />}
                <span>{reason.sentence} {reason.cure && <span className="text-muted">{reason.cure}</span>}</span>
              </li>
            ))}
          </ul>
          {explanation.expected.passages.length > 0 && (
            <>
              <p className="text-s text-muted">{own.bestOf}</p>
              <ol className="-mx-4 -mb-4 border-t border-line">
                {explanation.expected.passages.map((passage) => <Result key={passage.chunk} passage={passage} />)}
              </ol>
            </>
          )}
        </div>
      )}
    </section>
  );
}

/** A passage with its place by words, its place by meaning, and the words it holds. */
function Result({ passage }: { passage: Ranked }) {
  const words = useWords(knowledgeWords);
  const own = useWords(indexWords);
  const language = useLanguage();
  const percent = new Intl.NumberFormat(language, { style: "percent" });
  const figure = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const place = [passage.page > 0 && words.page(passage.page), headingPath(passage.heading, passage.document.title)].filter(Boolean).join(" · ");
  const rank = (n: number) => (n > 0 ? own.rankOf(n) : own.notAmong);
  return (
    <li className="relative grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 border-line px-4 py-3 not-first:border-t hover:bg-hover frame:grid-cols-[auto_minmax(0,1fr)_11rem]">
      <span aria-label={passage.rank > 0 ? words.rank(passage.rank) : own.notAmong} className="num w-5 text-end text-s leading-6 text-faint">{passage.rank > 0 ? passage.rank : "–"}</span>
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
        <p className="mt-1.5 text-s text-muted">
          {passage.matched.length > 0 && <>{own.holds} <span className="text-text">{passage.matched.join(", ")}</span></>}
          {passage.matched.length > 0 && passage.missing.length > 0 && ", "}
          {passage.missing.length > 0 && <>{own.lacks} {passage.missing.join(", ")}</>}
        </p>
      </div>
      <div className="max-frame:col-start-2 max-frame:mt-2">
        <dl className="num grid grid-cols-[auto_auto] content-start justify-between gap-x-3 text-s max-frame:justify-start">
          <dt className="text-muted">{own.byWords}</dt>
          <dd className="text-end">{rank(passage.wordRank)}</dd>
          <dt className="text-muted">{own.byMeaning}</dt>
          <dd className="text-end">{rank(passage.nearRank)}</dd>
          <dt className="text-muted">{words.coverage}</dt>
          <dd className="text-end">{percent.format(passage.coverage)}</dd>
          <dt className="text-muted">{own.cosine}</dt>
          <dd className="text-end">{passage.cosine === 0 ? "–" : figure.format(passage.cosine)}</dd>
        </dl>
        <p className="mt-1.5">
          {passage.disabled ? <Pill kind="care">{own.off}</Pill> : passage.answers ? <Pill kind="ok" icon={Check}>{own.enough}</Pill> : <Pill>{own.notEnough}</Pill>}
        </p>
      </div>
    </li>
  );
}
