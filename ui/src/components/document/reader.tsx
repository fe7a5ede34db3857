import { useInfiniteQuery } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { asProblem } from "@/api/problem";
import { contentQuery } from "@/api/content";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { PaperBlocks, type Passage } from "./blocks";
import { hasSlides } from "./marks";
import { documentWords } from "./words";
import "./paper.css";

interface ReaderProps {
  document: string;
  passage?: Passage | undefined;
  /** A page to read rather than a page beside an answer. */
  large?: boolean;
  /** Takes the keys when it opens, so that they scroll the text at once. */
  focus?: boolean;
  className?: string;
}

/**
 * A document's text on paper. It opens at the passage, which stands at a third of the height, and grows both
 * ways while it is scrolled; what was loaded above never moves what is being read.
 */
export function Reader({ document, passage, large, focus, className }: ReaderProps) {
  const words = useWords(documentWords);
  const query = useInfiniteQuery(contentQuery(document, passage?.from ?? 0));
  const pages = query.data?.pages;
  const first = pages?.[0]?.blocks[0]?.start;
  const desk = useReadingPlace(first, `${document} ${passage?.from ?? 0}`, pages !== undefined);

  useEffect(() => {
    if (focus) desk.current?.focus({ preventScroll: true });
  }, [focus, desk]);

  const { fetchPreviousPage, fetchNextPage } = query;
  const previous = useCallback(() => void fetchPreviousPage({ cancelRefetch: false }), [fetchPreviousPage]);
  const next = useCallback(() => void fetchNextPage({ cancelRefetch: false }), [fetchNextPage]);

  let content;
  if (query.isPending) {
    content = (
      <Loading>
        <div className={cx("paper", large && "large")}>
          {[40, 92, 88, 95, 60, 90, 94, 70].map((width, i) => (
            <Skeleton key={i} className={cx("mb-3 h-3", width < 50 ? "w-2/5" : width < 75 ? "w-3/5" : "w-full")} />
          ))}
        </div>
      </Loading>
    );
  } else if (!pages) {
    const { status, code } = asProblem(query.error);
    content = status === 404 ? (
      <Empty icon={FileText} title={words.gone}>{words.goneHelp}</Empty>
    ) : code === "document-not-ready" ? (
      <Empty icon={FileText} title={words.notReady} />
    ) : (
      <ErrorPanel error={query.error} title={words.failed} retry={() => void query.refetch()} />
    );
  } else if (pages.every((page) => page.blocks.length === 0)) {
    content = <Empty icon={FileText} title={words.empty} />;
  } else {
    content = (
      <div className={cx("paper", large && "large")}>
        {query.hasPreviousPage && (
          <More label={words.morePrevious} busy={query.isFetchingPreviousPage} error={query.isFetchPreviousPageError ? query.error : null} onMore={previous} />
        )}
        {pages.map(({ blocks }, i) => (
          <section key={blocks[0]?.start ?? 0}>
            <PaperBlocks blocks={blocks} before={pages[i - 1]?.blocks.at(-1)} slides={hasSlides(pages[0]?.document.type ?? "")} passage={passage} />
          </section>
        ))}
        {query.hasNextPage && (
          <More label={words.moreNext} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={next} />
        )}
      </div>
    );
  }
  return (
    // It scrolls, so the keyboard must be able to reach it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={desk} role="region" aria-label={words.text} tabIndex={0} className={cx("thin-scroll relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto -outline-offset-2", className)}>
      {content}
    </div>
  );
}

/**
 * Keeps what is read in its place. Until the person scrolls, that is the passage at a third of the height;
 * afterwards it is whatever stood there before text was added above.
 */
function useReadingPlace(first: number | undefined, place: string, ready: boolean): RefObject<HTMLDivElement | null> {
  const desk = useRef<HTMLDivElement>(null);
  const scrolled = useRef(false);
  const last = useRef<{ first: number | undefined; height: number; place: string }>({ first: undefined, height: 0, place: "" });

  useEffect(() => {
    const element = desk.current;
    if (!element) return;
    const taken = () => {
      scrolled.current = true;
    };
    const kinds = ["wheel", "touchmove", "pointerdown", "keydown"] as const;
    for (const kind of kinds) element.addEventListener(kind, taken, { passive: true });
    return () => {
      for (const kind of kinds) element.removeEventListener(kind, taken);
    };
  }, []);

  useLayoutEffect(() => {
    const element = desk.current;
    if (!element || !ready) return;
    if (last.current.place !== place) scrolled.current = false;
    const before = last.current;
    last.current = { first, height: element.scrollHeight, place };
    if (!scrolled.current) {
      const mark = element.querySelector("[data-passage=start]") ?? element.querySelector("mark");
      if (mark) {
        const top = mark.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop;
        element.scrollTop = Math.max(0, top - element.clientHeight / 3);
      }
    } else if (before.place === place && before.first !== undefined && first !== undefined && first < before.first) {
      element.scrollTop += element.scrollHeight - before.height;
    }
  });
  return desk;
}
