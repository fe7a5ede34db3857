import { lazy, type MouseEvent, memo, type PointerEvent, Suspense, useEffect, useRef, useState } from "react";
import { useWords } from "@/lib/words";
import { passageAddress, placeOf, useSources } from "./sources";
import { chatWords } from "./words";

const SourceCard = lazy(() => import("./source-card").then((module) => ({ default: module.SourceCard })));

const openDelay = 250;
const closeDelay = 120;

/**
 * The number of a source inside a sentence. It is a link to the passage, so it can be opened in a new tab;
 * a plain press opens the panel instead. It is inline text, so a line never breaks before it.
 */
export const SourceKey = memo(function SourceKey({ number }: { number: number }) {
  const words = useWords(chatWords);
  const { citations, current, open } = useSources();
  const link = useRef<HTMLAnchorElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [card, setCard] = useState(false);
  const citation = citations.get(number);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (!citation) return <>[{number}]</>;

  const stay = (on: boolean) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCard(on), on ? openDelay : closeDelay);
  };
  // A finger opens the panel; there is nothing to hover with.
  const point = (on: boolean) => (event: PointerEvent) => event.pointerType !== "touch" && stay(on);
  const close = () => {
    clearTimeout(timer.current);
    setCard(false);
  };
  const press = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    close();
    open(number);
  };
  return (
    <>
      <a
        ref={link}
        className="key"
        href={passageAddress(citation)}
        aria-label={words.sourceKey(number, [citation.document.title, placeOf(citation, words.page)].filter(Boolean).join(", "))}
        aria-current={current === number ? "true" : undefined}
        onClick={press}
        onPointerEnter={point(true)}
        onPointerLeave={point(false)}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && stay(true)}
        onBlur={() => stay(false)}
      >
        {number}
      </a>
      {card && current !== number && (
        <Suspense fallback={null}>
          <SourceCard citation={citation} anchor={link} onStay={stay} onClose={close} />
        </Suspense>
      )}
    </>
  );
});
