import { useWords } from "@/lib/words";
import { cx } from "@/lib/cx";
import { type Citation, groupByDocument, pagesOf, placeOf, useSources } from "./sources";
import { chatWords } from "./words";

/** Under an answer: each document once, with the keys that stand for it. */
export function SourceList({ citations }: { citations: readonly Citation[] }) {
  const words = useWords(chatWords);
  return (
    <div role="group" aria-label={words.sources} className="mt-4 rounded-m bg-raised p-2 card-edge">
      <ul>
        {groupByDocument(citations).map(({ document, citations: own }) => (
          <li key={document.id} className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-2.5 rounded-s px-2 py-1.5 text-s hover:bg-hover touch:min-h-11">
            <span className="flex flex-wrap gap-1.75">
              {own.map((citation) => (
                <SourceButton key={citation.number} citation={citation} />
              ))}
            </span>
            <Title citation={own[0]} title={document.title} />
            <span className="num max-w-40 truncate text-xs text-faint">
              {pagesOf(own) ? words.page(pagesOf(own)) : own.length === 1 && own[0] ? placeOf(own[0], words.page) : ""}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function SourceButton({ citation }: { citation: Citation }) {
  const words = useWords(chatWords);
  const { current, open } = useSources();
  return (
    <button
      type="button"
      aria-label={words.sourceKey(citation.number, [citation.document.title, placeOf(citation, words.page)].filter(Boolean).join(", "))}
      aria-current={current === citation.number ? "true" : undefined}
      onClick={() => open(citation.number)}
      className={cx("key flat", "touch:h-8! touch:min-w-8!")}
    >
      {citation.number}
    </button>
  );
}

/** The title opens the first of the document's passages; the keys beside it say so already. */
function Title({ citation, title }: { citation: Citation | undefined; title: string }) {
  const { open } = useSources();
  return (
    <button type="button" tabIndex={-1} className="min-w-0 truncate text-start" onClick={() => citation && open(citation.number)}>
      {title}
    </button>
  );
}
