import { useInfiniteQuery } from "@tanstack/react-query";
import { CornerUpLeft, ZoomIn } from "lucide-react";
import { useEffect, useState } from "react";
import { type Block, contentQuery, type Start } from "@/api/content";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/field";
import { IconButton } from "@/components/ui/icon-button";
import { useSay } from "@/components/ui/live";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import type { Passage } from "./blocks";
import { isDrawn, marksOf, placeOfPassage } from "./marks";
import { PageBar } from "./page-bar";
import { PageView } from "./page-view";
import { LongBar, long } from "./long-bar";
import { Reader, type ReadingPlace } from "./reader";
import { useKept } from "./use-place";
import { documentWords } from "./words";

/** Whether a document is shown as it was printed or as its text. */
export type View = "page" | "text";

interface ViewerProps {
  document: string;
  passage?: Passage | undefined;
  view: View;
  onView: (view: View) => void;
  /** The words of the passage. */
  quote?: string | undefined;
  large?: boolean | undefined;
  focus?: boolean | undefined;
  /** Told which page is shown, where pages are shown as they were printed. */
  onPage?: ((page: number) => void) | undefined;
  /** The choice between page and text stands elsewhere. */
  bare?: boolean | undefined;
  className?: string | undefined;
}

/** A document at a passage of it: the pages of a PDF or a scan as they were printed, everything else as its text. */
export function Viewer({ document, passage, view, onView, quote, large, focus, onPage, bare, className }: ViewerProps) {
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery(contentQuery(document, passage?.from ?? 0));
  const blocks = data?.pages.flatMap((page) => page.blocks);
  const end = blocks?.at(-1)?.end ?? 0;
  const short = passage !== undefined && blocks !== undefined && end < passage.to && hasNextPage && !isFetching;
  useEffect(() => {
    if (short) void fetchNextPage({ cancelRefetch: false });
  }, [short, fetchNextPage]);

  const about = data?.pages[0]?.document;
  const place = `${document} ${passage?.from ?? ""}`;
  if (!blocks || !about || !isDrawn(about.type) || about.pages === 0) return <Text key={place} about={about} {...{ document, passage, large, focus, bare, className }} />;
  return (
    <Pages
      key={place}
      document={about}
      blocks={blocks}
      passage={passage}
      {...{ view, onView, quote, large, focus, onPage, bare, className }}
    />
  );
}

const barClass = (large: boolean | undefined, bare: boolean | undefined) =>
  cx("flex flex-none flex-wrap items-center gap-x-2 gap-y-1.5 pb-2.5", large ? cx("mx-auto w-full px-3 frame:px-6", bare ? "max-w-[55rem]" : "max-w-[52rem] wide:px-0") : "px-4");

/** A document's text with the way through it, where it is long. */
function Text({ document, about, passage, large, focus, bare, className }: Pick<ViewerProps, "document" | "passage" | "large" | "focus" | "bare" | "className"> & { about: Schema<"Document"> | undefined }) {
  const [start, setStart] = useState<Start>();
  const [place, setPlace] = useState<ReadingPlace>();
  const go = (next: Start) => {
    setStart(next);
    if (typeof next !== "number") setPlace({ character: "from" in next ? next.from : 0, page: "page" in next ? next.page : 0 });
  };
  const bar = about && (about.pages > 1 || about.characters >= long);
  return (
    <>
      {bar && <div className={barClass(large, bare)}><LongBar document={about} place={place} onStart={go} /></div>}
      <Reader large={large ?? false} document={document} passage={passage} start={start} onPlace={setPlace} focus={focus ?? false} {...(className ? { className } : {})} />
    </>
  );
}

interface PagesProps extends Omit<ViewerProps, "document"> {
  document: Schema<"Document">;
  blocks: readonly Block[];
}

function Pages({ document, blocks, passage, view, onView, quote, large, focus, onPage, bare, className }: PagesProps) {
  const words = useWords(documentWords);
  const say = useSay();
  // In the text what is far away is let go, and with it the places of the passage.
  const found = passage ? marksOf(blocks, passage) : [];
  const marks = useKept(found.length > 0 ? found : undefined, document.id) ?? [];
  const home = useKept((passage && placeOfPassage(blocks, passage)?.page) || undefined, document.id) ?? 1;
  const [turned, setTurned] = useState<number>();
  const [enlarged, setEnlarged] = useState(false);
  const page = Math.min(turned ?? home, document.pages);
  const here = marks.filter((mark) => mark.page === page);
  const away = marks.length > 0 && here.length === 0;
  useEffect(() => onPage?.(page), [onPage, page]);
  const to = (next: number) => {
    if (next < 1 || next > document.pages || next === page) return;
    setTurned(next);
    say(words.pageOf(next, document.pages));
  };
  return (
    <>
      {(!bare || view === "page") && <div className={barClass(large, bare)}>
        {!bare && <Choice
          label={words.view}
          value={view}
          options={[{ value: "page", label: words.views.page }, { value: "text", label: words.views.text }]}
          onChange={onView}
        />}
        {view === "page" && (
          <div className="ms-auto flex items-center gap-1">
            {away && (
              <Button kind="quiet" small onClick={() => to(home)}>
                <CornerUpLeft aria-hidden="true" className="size-4" />
                {words.toPassage(home)}
              </Button>
            )}
            <PageBar page={page} pages={document.pages} onPage={to} />
            <IconButton small icon={ZoomIn} label={words.enlarge} pressed={enlarged} onClick={() => setEnlarged(!enlarged)} />
          </div>
        )}
      </div>}
      {view === "text" ? <Text about={undefined} document={document.id} {...{ passage, large, focus, className }} /> : (
        <PageView
          document={document}
          page={page}
          marks={here}
          number={passage?.number}
          onTurn={(by) => to(page + by)}
          onText={() => onView("text")}
          {...{ quote, large, enlarged, focus, className }}
        />
      )}
    </>
  );
}
