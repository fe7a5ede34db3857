import { useInfiniteQuery } from "@tanstack/react-query";
import { CornerUpLeft, ZoomIn } from "lucide-react";
import { useEffect, useState } from "react";
import { type Block, contentQuery } from "@/api/content";
import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/field";
import { IconButton } from "@/components/ui/icon-button";
import { useSay } from "@/components/ui/live";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import type { Passage } from "./blocks";
import { marksOf, placeOfPassage } from "./marks";
import { PageBar } from "./page-bar";
import { PageView } from "./page-view";
import { Reader } from "./reader";
import { documentWords } from "./words";

/** Whether a document is shown as it was printed or as its text. */
export type View = "page" | "text";

/** The types whose pages the server draws. */
const drawn = new Set(["application/pdf", "image/png", "image/jpeg"]);

interface ViewerProps {
  document: string;
  passage?: Passage | undefined;
  view: View;
  onView: (view: View) => void;
  /** The words of the passage. */
  quote?: string | undefined;
  large?: boolean | undefined;
  focus?: boolean | undefined;
  className?: string | undefined;
}

/** A document at a passage of it: the pages of a PDF or a scan as they were printed, everything else as its text. */
export function Viewer({ document, passage, view, onView, quote, large, focus, className }: ViewerProps) {
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery(contentQuery(document, passage?.from ?? 0));
  const blocks = data?.pages.flatMap((page) => page.blocks);
  const end = blocks?.at(-1)?.end ?? 0;
  const short = passage !== undefined && blocks !== undefined && end < passage.to && hasNextPage && !isFetching;
  useEffect(() => {
    if (short) void fetchNextPage({ cancelRefetch: false });
  }, [short, fetchNextPage]);

  const about = data?.pages[0]?.document;
  const reader = <Reader large={large ?? false} document={document} passage={passage} focus={focus ?? false} {...(className ? { className } : {})} />;
  if (!blocks || !about || !drawn.has(about.type) || about.pages === 0) return reader;
  return (
    <Pages
      key={`${document} ${passage?.from ?? ""}`}
      document={{ id: document, title: about.title, pages: about.pages }}
      blocks={blocks}
      passage={passage}
      {...{ view, onView, quote, large, focus, className }}
      reader={reader}
    />
  );
}

interface PagesProps extends Omit<ViewerProps, "document"> {
  document: { id: string; title: string; pages: number };
  blocks: readonly Block[];
  reader: React.ReactNode;
}

function Pages({ document, blocks, passage, view, onView, quote, large, focus, className, reader }: PagesProps) {
  const words = useWords(documentWords);
  const say = useSay();
  const marks = passage ? marksOf(blocks, passage) : [];
  const home = (passage && placeOfPassage(blocks, passage)?.page) || 1;
  const [turned, setTurned] = useState<number>();
  const [enlarged, setEnlarged] = useState(false);
  const page = Math.min(turned ?? home, document.pages);
  const here = marks.filter((mark) => mark.page === page);
  const away = marks.length > 0 && here.length === 0;
  const to = (next: number) => {
    if (next < 1 || next > document.pages || next === page) return;
    setTurned(next);
    say(words.pageOf(next, document.pages));
  };
  return (
    <>
      <div className={cx("flex flex-none flex-wrap items-center gap-x-2 gap-y-1.5 pb-2.5", large ? "mx-auto w-full max-w-[52rem] px-3 frame:px-6 wide:px-0" : "px-4")}>
        <Choice
          label={words.view}
          value={view}
          options={[{ value: "page", label: words.views.page }, { value: "text", label: words.views.text }]}
          onChange={onView}
        />
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
      </div>
      {view === "text" ? reader : (
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
