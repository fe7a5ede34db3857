import { useInfiniteQuery } from "@tanstack/react-query";
import { FileText } from "lucide-react";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { asProblem } from "@/api/problem";
import { contentQuery, type Start } from "@/api/content";
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
  /** Where it opens, when that is not the passage. */
  start?: Start | undefined;
  /** Told where the reading is whenever it moves: a character, and the page it stands on. */
  onPlace?: ((place: ReadingPlace) => void) | undefined;
  /** Takes the keys when it opens, so that they scroll the text at once. */
  focus?: boolean;
  className?: string;
}

/**
 * A document's text on paper. It opens at the passage, which stands at a third of the height, and grows both
 * ways while it is scrolled; what was loaded above never moves what is being read.
 */
export function Reader({ document, passage, large, start, onPlace, focus, className }: ReaderProps) {
  const words = useWords(documentWords);
  const at = start ?? passage?.from ?? 0;
  const query = useInfiniteQuery(contentQuery(document, at));
  const pages = query.data?.pages;
  const desk = useReadingPlace(`${document} ${JSON.stringify(at)}`, start !== undefined, pages !== undefined, onPlace);

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
          <section key={blocks[0]?.start ?? 0} data-start={blocks[0]?.start ?? 0} data-end={blocks.at(-1)?.end ?? 0}>
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

/** Where somebody reads: a character of the document, and the page it stands on, 0 where there are none. */
export interface ReadingPlace {
  character: number;
  page: number;
}

/** What is at the upper edge of the desk: a section of the text, and how far it is scrolled past the edge. */
interface Anchor {
  start: string;
  offset: number;
}

/**
 * Keeps what is read in its place. Until the person scrolls, that is the passage at a third of the height, or the
 * beginning of what was asked for; afterwards it is the section that stands at the upper edge, whatever is added
 * or let go above it.
 */
function useReadingPlace(place: string, jumped: boolean, ready: boolean, onPlace: ((place: ReadingPlace) => void) | undefined): RefObject<HTMLDivElement | null> {
  const desk = useRef<HTMLDivElement>(null);
  const scrolled = useRef(false);
  const anchor = useRef<Anchor>(undefined);
  const last = useRef("");
  const tell = useRef(onPlace);
  useEffect(() => {
    tell.current = onPlace;
  }, [onPlace]);

  useEffect(() => {
    const element = desk.current;
    if (!element) return;
    const taken = () => {
      scrolled.current = true;
    };
    let frame = 0;
    const moved = () => {
      anchor.current = anchorOf(element);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        const at = placeAt(element);
        if (at) tell.current?.(at);
      });
    };
    const kinds = ["wheel", "touchmove", "pointerdown", "keydown"] as const;
    for (const kind of kinds) element.addEventListener(kind, taken, { passive: true });
    element.addEventListener("scroll", moved, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      for (const kind of kinds) element.removeEventListener(kind, taken);
      element.removeEventListener("scroll", moved);
    };
  }, []);

  useLayoutEffect(() => {
    const element = desk.current;
    if (!element || !ready) return;
    if (last.current !== place) {
      scrolled.current = false;
      anchor.current = undefined;
      last.current = place;
    }
    if (!scrolled.current && !jumped) {
      const mark = element.querySelector("[data-passage=start]") ?? element.querySelector("mark");
      if (mark) element.scrollTop = Math.max(0, topOf(mark, element) - element.clientHeight / 3);
    } else if (anchor.current) {
      const section = element.querySelector(`section[data-start="${anchor.current.start}"]`);
      if (section) element.scrollTop = topOf(section, element) - anchor.current.offset;
    } else if (jumped) {
      element.scrollTop = 0;
    }
    anchor.current = anchorOf(element);
  });
  return desk;
}

function topOf(inner: Element, desk: HTMLElement): number {
  return inner.getBoundingClientRect().top - desk.getBoundingClientRect().top + desk.scrollTop;
}

/** The section at the upper edge of the desk. */
function sectionAt(desk: HTMLElement): HTMLElement | undefined {
  const edge = desk.getBoundingClientRect().top + 1;
  return Array.from(desk.querySelectorAll<HTMLElement>("section[data-start]")).findLast((section) => section.getBoundingClientRect().top <= edge) ?? desk.querySelector<HTMLElement>("section[data-start]") ?? undefined;
}

function anchorOf(desk: HTMLElement): Anchor | undefined {
  const section = sectionAt(desk);
  return section && { start: section.dataset["start"] ?? "", offset: topOf(section, desk) - desk.scrollTop };
}

function placeAt(desk: HTMLElement): ReadingPlace | undefined {
  const section = sectionAt(desk);
  if (!section) return undefined;
  const edge = desk.getBoundingClientRect().top + 1;
  const { top, height } = section.getBoundingClientRect();
  const start = Number(section.dataset["start"]);
  const end = Number(section.dataset["end"]);
  const share = height > 0 ? Math.min(1, Math.max(0, (edge - top) / height)) : 0;
  const folio = Array.from(desk.querySelectorAll<HTMLElement>("[data-page]")).findLast((mark) => mark.getBoundingClientRect().top <= edge + 24) ?? desk.querySelector<HTMLElement>("[data-page]");
  return { character: Math.round(start + share * (end - start)), page: Number(folio?.dataset["page"] ?? 0) };
}
