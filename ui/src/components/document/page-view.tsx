import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import { key } from "@/api/query";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { KeyMark } from "@/components/ui/key";
import { Spinner } from "@/components/ui/spinner";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import type { Mark } from "./marks";
import { documentWords } from "./words";
import "./page.css";

interface PageViewProps {
  document: { id: string; title: string };
  page: number;
  /** The places of the passage on this page. */
  marks: readonly Mark[];
  /** The number of the passage in an answer. */
  number?: number | undefined;
  /** The words of the passage, for who cannot see the marks. */
  quote?: string | undefined;
  large?: boolean | undefined;
  /** Twice as wide as there is room, to read small print. */
  enlarged: boolean;
  focus?: boolean | undefined;
  onTurn: (by: -1 | 1) => void;
  /** The way on when there is no picture. */
  onText: () => void;
  className?: string | undefined;
}

/** Pictures are asked for in a few widths only, so that a change of the window does not ask again at each pixel. */
const widths = [400, 600, 800, 1000, 1200, 1600, 2000, 2400];

export function pictureWidth(room: number, ratio: number): number {
  return widths.find((width) => width >= room * ratio) ?? 2400;
}

/** A page of a document as it was printed, with the passage marked on it. */
export function PageView({ document, page, marks, number, quote, large, enlarged, focus, onTurn, onText, className }: PageViewProps) {
  const words = useWords(documentWords);
  const desk = useRef<HTMLDivElement>(null);
  const figure = useRef<HTMLElement>(null);
  const width = useWidth(figure);
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState("");
  const [failed, setFailed] = useState("");
  // Until the first page has come, every page is taken to be A4.
  const [shape, setShape] = useState(1 / Math.SQRT2);
  const shown = `${page} ${attempt}`;
  const ready = loaded === shown;
  useSight(desk, figure, marks[0], `${shown} ${enlarged ? 2 : 1} ${ready ? shape : 0}`);

  useEffect(() => {
    if (focus) desk.current?.focus({ preventScroll: true });
  }, [focus]);

  const turn = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== event.currentTarget) return;
    if (event.key !== "PageDown" && event.key !== "PageUp") return;
    event.preventDefault();
    onTurn(event.key === "PageDown" ? 1 : -1);
  };
  const alt = words.pageAlt(page, document.title);
  return (
    // It scrolls, so the keyboard must be able to reach it; in it the keys for pages turn them.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={desk}
      role="region"
      aria-label={words.picture}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onKeyDown={turn}
      className={cx("thin-scroll relative min-h-0 flex-1 overflow-auto -outline-offset-2", className)}
    >
      {failed === shown ? (
        <Failure document={document.id} page={page} attempt={attempt} onAgain={() => setAttempt(attempt + 1)} onText={onText} />
      ) : (
        <figure ref={figure} className={cx("page-figure", large && "large", enlarged && "enlarged")} style={{ aspectRatio: shape }} aria-busy={!ready}>
          {!ready && (
            <div role="status" className="appear-late absolute inset-0 grid place-items-center">
              <Spinner />
              <span className="unseen">{words.pictureComes}</span>
            </div>
          )}
          {width > 0 && (
            <img
              key={shown}
              src={`/api/documents/${encodeURIComponent(document.id)}/pages/${page}?width=${width}`}
              alt={alt}
              draggable={false}
              className={ready ? undefined : "invisible"}
              onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
                if (naturalWidth > 0 && naturalHeight > 0) setShape(naturalWidth / naturalHeight);
                setLoaded(shown);
              }}
              onError={() => setFailed(shown)}
            />
          )}
          {ready && marks.map((mark, i) => <MarkOn key={i} mark={mark} number={i === 0 ? number : undefined} />)}
          <figcaption className="unseen">
            {alt}
            {marks.length > 0 && quote && `. ${words.marked(quote)}`}
          </figcaption>
        </figure>
      )}
    </div>
  );
}

const percent = (fraction: number) => `${(fraction * 100).toFixed(3)}%`;

function MarkOn({ mark: { x, y, w, h }, number }: { mark: Mark; number: number | undefined }) {
  return (
    <>
      <span aria-hidden="true" data-mark className="page-mark" style={{ left: percent(x), top: percent(y), width: percent(w), height: percent(h) }} />
      {number !== undefined && (
        <span aria-hidden="true" className="page-key" style={{ left: percent(x), top: percent(y + h / 2) }}>
          <KeyMark number={number} onPaper />
        </span>
      )}
    </>
  );
}

interface FailureProps {
  document: string;
  page: number;
  attempt: number;
  onAgain: () => void;
  onText: () => void;
}

/** A picture that does not come does not say why: the same is asked for again, to hear the reason. */
function Failure({ document, page, attempt, onAgain, onText }: FailureProps) {
  const words = useWords(documentWords);
  const why = useQuery({
    queryKey: key("/api/documents/{id}/pages/{page}", document, page, attempt),
    queryFn: async ({ signal }) => {
      await api.GET("/api/documents/{id}/pages/{page}", { params: { path: { id: document, page }, query: { width: 200 } }, parseAs: "blob", signal });
      return null;
    },
    retry: false,
    gcTime: 0,
  });
  if (why.isPending) {
    return (
      <div role="status" className="grid place-items-center p-8">
        <Spinner />
        <span className="unseen">{words.pictureComes}</span>
      </div>
    );
  }
  return (
    <div className="grid justify-items-start gap-3">
      <ErrorPanel error={why.error} title={words.pictureFailed(page)} retry={onAgain} />
      <Button onClick={onText}>{words.readText}</Button>
    </div>
  );
}

/** The width a picture should have for the room there is and the dots of the screen. */
function useWidth(figure: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = figure.current;
    if (!element) return;
    const measure = () => setWidth(pictureWidth(element.clientWidth, window.devicePixelRatio || 1));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [figure]);
  return width;
}

/** Brings the passage to a third of the height whenever another page or another size of it is shown. */
function useSight(desk: RefObject<HTMLElement | null>, figure: RefObject<HTMLElement | null>, mark: Mark | undefined, what: string): void {
  const last = useRef("");
  const now = `${what} ${mark ? `${mark.x} ${mark.y}` : ""}`;
  useLayoutEffect(() => {
    const [view, paper] = [desk.current, figure.current];
    if (!view || !paper || last.current === now) return;
    last.current = now;
    const top = mark ? paper.offsetTop + mark.y * paper.clientHeight - view.clientHeight / 3 : 0;
    const left = mark ? paper.offsetLeft + mark.x * paper.clientWidth - 48 : 0;
    view.scrollTop = Math.max(0, top);
    view.scrollLeft = Math.max(0, left);
  });
}
