import { createContext, Fragment, type ReactNode, type RefObject, startTransition, useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { type Message } from "./queries";

/** The scrolling element that a long list is shown in. */
export const PaneContext = createContext<RefObject<HTMLElement | null>>({ current: null });

interface TurnsProps {
  messages: readonly Message[];
  children: (message: Message) => ReactNode;
  /** What stands behind the last message: a question that is being sent. */
  tail?: ReactNode;
}

/** What is drawn at the end in any case: the question and the answer that is being written. */
const always = 2;
/** Before the first look at the page nobody knows how much it takes. */
const atFirst = 6;

/** The turns by the key of their place; the versions of a turn share it, so the way between them keeps the focus. */
const keyOf = (message: Message) => message.versions.ids[0] ?? message.id;

/**
 * The messages of a chat. Only those are in the page that are on the screen or near it, the newest, and the one that
 * has the focus; the others are room of the height they had, or of a guess. Where a guess was wrong the Transcript
 * keeps what is read where it is.
 */
export function Turns({ messages, children, tail }: TurnsProps) {
  const paneRef = useContext(PaneContext);
  const list = useRef<HTMLOListElement>(null);
  const [heights] = useState(() => new Heights());
  const [range, setRange] = useState<{ first: string; last: string } | "all">();
  const [held, setHeld] = useState<string>();
  const keys = useMemo(() => messages.map(keyOf), [messages]);
  const latest = useRef({ keys, messages });
  useLayoutEffect(() => {
    latest.current = { keys, messages };
  });

  const look = useCallback(
    (now: boolean) => {
      if (!paneRef.current || !list.current) return;
      const next = visible(paneRef.current, list.current, latest.current, heights);
      const put = () => setRange((last) => (same(last, next) ? last : next));
      if (now) put();
      else startTransition(put);
    },
    [paneRef, heights],
  );

  useLayoutEffect(() => look(true), [look, keys.length]);
  useEffect(() => {
    const element = paneRef.current;
    let frame = 0;
    const soon = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        look(false);
      });
    };
    heights.watch(soon);
    // At the first effect the pane around this list was not in its place yet.
    soon();
    element?.addEventListener("scroll", soon, { passive: true });
    return () => {
      heights.watch(undefined);
      element?.removeEventListener("scroll", soon);
      cancelAnimationFrame(frame);
    };
  }, [paneRef, heights, look]);

  const { from, to } = indices(range, keys);
  const drawn: ReactNode[] = [];
  let gap = 0;
  const closeGap = (before: string) => {
    if (gap > 0) drawn.push(<li key={`before ${before}`} aria-hidden="true" style={{ height: gap }} />);
    gap = 0;
  };
  messages.forEach((message, i) => {
    const key = keys[i] ?? message.id;
    if (i < messages.length - always && key !== held && (i < from || i > to)) {
      gap += heights.of(key, message);
      return;
    }
    closeGap(key);
    drawn.push(
      <Fragment key={key}>
        <Turn name={key} heights={heights} place={i + 1}>{children(message)}</Turn>
      </Fragment>,
    );
  });
  const holder = (target: EventTarget) => (target instanceof Element ? (target.closest<HTMLElement>("[data-turn]")?.dataset["turn"] ?? undefined) : undefined);
  return (
    <ol ref={list} onFocus={(event) => setHeld(holder(event.target))} onBlur={() => setHeld(undefined)}>
      {drawn}
      {tail}
    </ol>
  );
}

interface TurnProps {
  name: string;
  place: number;
  heights: Heights;
  children: ReactNode;
}

function Turn({ name, place, heights, children }: TurnProps) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => (item.current ? heights.measure(name, item.current) : undefined), [name, heights]);
  return (
    <li ref={item} data-turn={name} aria-posinset={place} aria-setsize={-1} className="-mx-2 min-w-0 px-2 pb-6">
      {children}
    </li>
  );
}

/** The heights that turns have, or had when they were last drawn. */
class Heights {
  readonly #known = new Map<string, number>();
  readonly #names = new WeakMap<Element, string>();
  #observer: ResizeObserver | undefined;
  #changed: (() => void) | undefined;

  watch(changed: (() => void) | undefined): void {
    this.#changed = changed;
  }

  measure(name: string, element: Element): () => void {
    this.#observer ??= new ResizeObserver((entries) => {
      for (const { target, borderBoxSize } of entries) {
        const known = this.#names.get(target);
        const height = borderBoxSize[0]?.blockSize ?? 0;
        if (known && height > 0) this.#known.set(known, height);
      }
      this.#changed?.();
    });
    this.#names.set(element, name);
    this.#observer.observe(element);
    return () => this.#observer?.unobserve(element);
  }

  of(name: string, { role, content }: Message): number {
    return this.#known.get(name) ?? (role === "user" ? 72 + Math.ceil(content.length / 64) * 24 : 150 + Math.ceil(content.length / 75) * 26);
  }
}

function visible(pane: HTMLElement, list: HTMLElement, { keys, messages }: { keys: readonly string[]; messages: readonly Message[] }, heights: Heights): { first: string; last: string } | "all" {
  const screen = pane.clientHeight;
  // Without a layout there is nothing to save.
  if (screen === 0) return "all";
  const from = pane.getBoundingClientRect().top - list.getBoundingClientRect().top - screen * 0.75;
  const to = from + screen * 2.5;
  let first = -1;
  let last = -1;
  let y = 0;
  messages.forEach((message, i) => {
    const key = keys[i] ?? "";
    const next = y + heights.of(key, message);
    if (first < 0 && next > from) first = i;
    if (y < to) last = i;
    y = next;
  });
  if (first < 0) first = Math.max(0, messages.length - always);
  return { first: keys[first] ?? "", last: keys[Math.max(first, last)] ?? "" };
}

function same(a: { first: string; last: string } | "all" | undefined, b: { first: string; last: string } | "all"): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && a.first === b.first && a.last === b.last);
}

function indices(range: { first: string; last: string } | "all" | undefined, keys: readonly string[]): { from: number; to: number } {
  if (range === "all") return { from: 0, to: keys.length };
  const from = range ? keys.indexOf(range.first) : -1;
  const to = range ? keys.lastIndexOf(range.last) : -1;
  return from < 0 || to < from ? { from: keys.length - atFirst, to: keys.length } : { from, to };
}
