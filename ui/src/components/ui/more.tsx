import { useEffect, useRef } from "react";
import { Button } from "./button";
import { ErrorPanel } from "./error-panel";

interface MoreProps {
  label: string;
  busy: boolean;
  error?: unknown;
  onMore: () => void;
}

/** The end of a list that goes on: it loads by itself when it comes near, and by a press. */
export function More({ label, busy, error, onMore }: MoreProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element || busy || error || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) onMore();
      },
      { root: scrollerOf(element), rootMargin: "400px 0px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [busy, error, onMore]);
  return (
    <div ref={place} className="grid min-h-10 place-items-center py-1">
      {error ? <ErrorPanel error={error} retry={onMore} /> : <Button small kind="quiet" busy={busy} onClick={onMore}>{label}</Button>}
    </div>
  );
}

/** The pane that scrolls: a margin counts only against the pane itself. */
function scrollerOf(element: HTMLElement): HTMLElement | null {
  for (let parent = element.parentElement; parent; parent = parent.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(parent).overflowY)) return parent;
  }
  return null;
}
