import { ChevronLeft, ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { documentWords } from "./words";

interface PageBarProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
}

/** Previous page, the number of this one to type over, next page. */
export function PageBar({ page, pages, onPage }: PageBarProps) {
  const words = useWords(documentWords);
  const format = useFormat();
  const [typed, setTyped] = useState<string>();
  const id = useId();
  const go = () => {
    const wanted = Number(typed);
    setTyped(undefined);
    if (Number.isInteger(wanted) && wanted > 0) onPage(Math.min(wanted, pages));
  };
  return (
    <div role="group" aria-label={words.pages} className="flex flex-none items-center gap-0.5">
      <IconButton small icon={ChevronLeft} label={words.pageBefore} disabled={page <= 1} onClick={() => onPage(page - 1)} className="rtl:-scale-x-100" />
      <form
        className="num flex items-center gap-1.5 text-s text-muted"
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <label htmlFor={id} className="unseen">{words.pageField(pages)}</label>
        <input
          id={id}
          inputMode="numeric"
          autoComplete="off"
          value={typed ?? String(page)}
          onChange={(event) => setTyped(event.target.value)}
          onFocus={(event) => event.currentTarget.select()}
          onBlur={() => typed !== undefined && go()}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || typed === undefined) return;
            // The first Escape takes back what was typed, the next may close what is around it.
            event.stopPropagation();
            setTyped(undefined);
          }}
          className="h-7 w-11 rounded-s bg-raised px-1 text-center text-text ring-edge focus-visible:outline-2 focus-visible:-outline-offset-1 focus-visible:outline-focus touch:h-9"
        />
        <span aria-hidden="true">{words.ofPages(format.number(pages))}</span>
      </form>
      <IconButton small icon={ChevronRight} label={words.pageAfter} disabled={page >= pages} onClick={() => onPage(page + 1)} className="rtl:-scale-x-100" />
    </div>
  );
}
