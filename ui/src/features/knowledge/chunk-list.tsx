import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ListX } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { hasSlides } from "@/components/document/marks";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, Choice } from "@/components/ui/field";
import { useSay } from "@/components/ui/live";
import { More } from "@/components/ui/more";
import { Loading, SkeletonRows } from "@/components/ui/skeleton";
import { cx } from "@/lib/cx";
import { useFormat } from "@/lib/format";
import { headingPath } from "@/lib/heading";
import { nameOfLanguage } from "@/lib/language-name";
import { useLanguage, useWords } from "@/lib/words";
import { type Chunk, type ChunkChoice, chunksQuery, type Document, useSwitchChunk } from "./queries";
import { knowledgeWords } from "./words";

interface ChunkListProps {
  document: Document;
  /** The page that is shown beside it; 0 where pages are not shown. */
  page: number;
  /** Where the passage begins that is shown in the document. */
  from: number | undefined;
  mayEdit: boolean;
}

type Which = "page" | "all" | "off";

/** What a document was cut into: what is searched, and what a model is given. Each passage can be switched off. */
export function ChunkList({ document, page, from, mayEdit }: ChunkListProps) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const paged = page > 0;
  const [chosen, setWhich] = useState<Which>();
  const which = chosen ?? (paged ? "page" : "all");
  // The list begins at the passage it was opened with; choosing another one in it does not move it.
  const [at] = useState(from ?? 0);
  const off = document.disabled ?? 0;
  const shown = which === "off" && off === 0 ? "all" : which;
  const choice: ChunkChoice = shown === "off" ? { disabled: true } : shown === "page" && paged ? { page } : { from: at };
  const query = useInfiniteQuery(chunksQuery(document.id, choice));
  const list = query.data?.pages.flatMap((part) => part.items) ?? [];
  const options = [
    ...(paged ? [{ value: "page" as const, label: words.chunksOfPage }] : []),
    { value: "all" as const, label: words.chunksAll },
    ...(off > 0 ? [{ value: "off" as const, label: words.chunksOff(format.number(off)) }] : []),
  ];
  let content;
  if (query.isPending) content = <Loading><SkeletonRows rows={6} /></Loading>;
  else if (!query.data) content = <ErrorPanel title={words.chunksFailed} error={query.error} retry={() => void query.refetch()} />;
  else if (list.length === 0) content = <Empty icon={ListX} title={shown === "off" ? words.noChunksOff : words.noChunks} />;
  else {
    content = (
      <>
        {query.hasPreviousPage && <More label={words.chunksBefore} busy={query.isFetchingPreviousPage} error={query.isFetchPreviousPageError ? query.error : null} onMore={() => void query.fetchPreviousPage({ cancelRefetch: false })} />}
        <ol className="grid gap-2">
          {list.map((chunk) => <Item key={chunk.number} chunk={chunk} document={document} current={from === chunk.start} mayEdit={mayEdit} />)}
        </ol>
        {query.hasNextPage && <More label={words.chunksAfter} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />}
      </>
    );
  }
  return (
    <div className="grid content-start gap-3">
      {options.length > 1 && <Choice label={words.whichChunks} value={shown} options={options} onChange={setWhich} />}
      {content}
    </div>
  );
}

interface ItemProps {
  chunk: Chunk;
  document: Document;
  current: boolean;
  mayEdit: boolean;
}

function Item({ chunk, document, current, mayEdit }: ItemProps) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const language = useLanguage();
  const say = useSay();
  const change = useSwitchChunk(document.id);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) item.current?.scrollIntoView?.({ block: "nearest" });
  }, [current]);
  const path = headingPath(chunk.heading, document.title);
  const page = chunk.page > 0 && (hasSlides(document.type) ? words.slideOf : words.page)(chunk.page);
  const place = [page, path].filter(Boolean).join(" · ");
  const tongue = chunk.language && nameOfLanguage(language, chunk.language);
  const facts = [words.characters(format.number(chunk.characters)), chunk.tokens > 0 && words.tokens(format.number(chunk.tokens)), tongue].filter(Boolean).join(", ");
  const set = (disabled: boolean) =>
    change.mutate({ chunk, disabled }, { onSuccess: () => say(disabled ? words.chunkOffSaid : words.chunkOnSaid) });
  const disabled = change.isPending ? change.variables.disabled : chunk.disabled;
  return (
    <li ref={item} aria-current={current ? "true" : undefined} className={cx("relative grid gap-1.5 rounded-m bg-raised p-3 card-edge", current && "outline-2 -outline-offset-2 outline-accent")}>
      <Link
        to="/documents/$document"
        params={{ document: document.id }}
        search={{ from: chunk.start, to: chunk.end }}
        replace
        aria-label={words.showChunk(place && `${place} `)}
        className="text-s font-medium text-muted no-underline outline-none after:absolute after:inset-0 after:rounded-m hover:text-text focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
      >
        <span dir="auto" className="block truncate">{place || document.title}</span>
      </Link>
      <p dir="auto" className={cx("line-clamp-6 text-s leading-[1.55] whitespace-pre-line", disabled && "text-muted line-through decoration-line")}>{chunk.text}</p>
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
        <span className="num text-xs text-faint">{facts}</span>
        {mayEdit ? (
          <div className="relative z-1"><CheckField label={disabled ? words.chunkOff : words.chunkUsed} checked={!disabled} disabled={change.isPending} onChange={(on) => set(!on)} /></div>
        ) : (
          disabled && <span className="text-xs text-muted">{words.chunkOff}</span>
        )}
      </div>
      {change.error ? <div className="relative z-1"><ErrorPanel title={words.chunkFailed} error={change.error} /></div> : null}
    </li>
  );
}
