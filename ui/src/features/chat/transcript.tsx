import { ArrowDown } from "lucide-react";
import { type ReactNode, type RefObject, useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { PaneContext } from "./turns";
import { chatWords } from "./words";

export interface TranscriptHandle {
  toLatest: () => void;
}

interface TranscriptProps {
  handle: RefObject<TranscriptHandle | null>;
  /** The chat that is shown: another one opens at its end. */
  chat: string;
  children: ReactNode;
  /** What stands over the lower edge: the phase line. */
  over: ReactNode;
}

const turnsOf = (pane: HTMLElement) => [...pane.querySelectorAll<HTMLElement>("[data-turn]")];
const offsetOf = (turn: HTMLElement, pane: HTMLElement) => turn.getBoundingClientRect().top - pane.getBoundingClientRect().top;

/** How near to the end counts as being there. */
const near = 48;

/** The scrolling column. It follows the answer only while the reader is at the end. */
export function Transcript({ handle, chat, children, over }: TranscriptProps) {
  const words = useWords(chatWords);
  const pane = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const top = useRef(0);
  /** The turn at the upper edge and where it stands: what is above may grow, what is read stays. */
  const anchor = useRef<{ turn: string; offset: number }>(undefined);
  const shown = useRef("");
  const [away, setAway] = useState(false);

  const toLatest = useCallback(() => {
    const element = pane.current;
    if (!element) return;
    pinned.current = true;
    element.scrollTop = element.scrollHeight;
    setAway(false);
  }, []);
  useImperativeHandle(handle, () => ({ toLatest }), [toLatest]);

  const settle = useCallback(() => {
    const element = pane.current;
    if (!element) return;
    if (pinned.current) {
      element.scrollTop = element.scrollHeight;
      return;
    }
    const turn = anchor.current && turnsOf(element).find((one) => one.dataset["turn"] === anchor.current?.turn);
    if (!turn || !anchor.current) return;
    const moved = offsetOf(turn, element) - anchor.current.offset;
    if (Math.abs(moved) >= 1) element.scrollTop += moved;
  }, []);

  useLayoutEffect(() => {
    if (shown.current === chat) return settle();
    shown.current = chat;
    toLatest();
  }, [chat, children, settle, toLatest]);

  useEffect(() => {
    const element = pane.current;
    const content = column.current;
    if (!element || !content) return;
    const observer = new ResizeObserver(settle);
    observer.observe(content);
    observer.observe(element);
    return () => observer.disconnect();
  }, [settle]);

  const scrolled = () => {
    const element = pane.current;
    if (!element) return;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    // Text that grew makes a distance too; only the reader's own way up lets go of the end.
    if (distance < near) pinned.current = true;
    else if (element.scrollTop < top.current) pinned.current = false;
    top.current = element.scrollTop;
    const first = turnsOf(element).find((turn) => offsetOf(turn, element) + turn.offsetHeight > 0);
    anchor.current = first ? { turn: first.dataset["turn"] ?? "", offset: offsetOf(first, element) } : undefined;
    setAway(distance > Math.max(near, element.clientHeight / 2));
  };
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div ref={pane} onScroll={scrolled} className="thin-scroll min-h-0 flex-1 overflow-x-hidden overflow-y-auto px-4 [overflow-anchor:none] frame:px-6">
        <div ref={column} className="mx-auto w-full max-w-column pt-2 pb-8">
          <PaneContext value={pane}>{children}</PaneContext>
        </div>
      </div>
      <div className="pointer-events-none absolute inset-x-0 bottom-0 px-4 frame:px-6">
        <div className="relative mx-auto max-w-column">
          <button
            type="button"
            aria-label={words.latest}
            title={words.latest}
            onClick={toLatest}
            tabIndex={away ? 0 : -1}
            aria-hidden={!away}
            className={cx(
              "pointer-events-auto absolute start-1/2 bottom-full mb-2 grid size-9 -translate-x-1/2 place-items-center rounded-full bg-raised text-muted float-edge transition-opacity duration-base hover:text-text touch:size-11 rtl:translate-x-1/2",
              !away && "invisible opacity-0",
            )}
          >
            <ArrowDown aria-hidden="true" />
          </button>
          {over}
        </div>
      </div>
    </div>
  );
}
