import * as HoverCard from "@radix-ui/react-hover-card";
import { type MouseEvent, memo, useState } from "react";
import { KeyMark } from "@/components/ui/key";
import { useWords } from "@/lib/words";
import { type Citation, passageAddress, placeOf, useSources } from "./sources";
import { chatWords } from "./words";

/**
 * The number of a source inside a sentence. It is a link to the passage, so it can be opened in a new tab;
 * a plain press opens the panel instead. It is inline text, so a line never breaks before it.
 */
export const SourceKey = memo(function SourceKey({ number }: { number: number }) {
  const words = useWords(chatWords);
  const { citations, current, open } = useSources();
  const [card, setCard] = useState(false);
  const citation = citations.get(number);
  if (!citation) return <>[{number}]</>;

  const place = placeOf(citation, words.page);
  const press = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    setCard(false);
    open(number);
  };
  return (
    <HoverCard.Root open={card && current !== number} onOpenChange={setCard} openDelay={250} closeDelay={120}>
      <HoverCard.Trigger asChild>
        <a
          className="key"
          href={passageAddress(citation)}
          aria-label={words.sourceKey(number, [citation.document.title, place].filter(Boolean).join(", "))}
          aria-current={current === number ? "true" : undefined}
          onClick={press}
        >
          {number}
        </a>
      </HoverCard.Trigger>
      <HoverCard.Portal>
        <HoverCard.Content side="top" sideOffset={6} collisionPadding={12} className="pop-in z-50 w-84 max-w-[calc(100vw-1.5rem)] rounded-pop bg-raised px-3.5 py-3 float-edge">
          <PassageCard citation={citation} place={place} />
        </HoverCard.Content>
      </HoverCard.Portal>
    </HoverCard.Root>
  );
});

function PassageCard({ citation, place }: { citation: Citation; place: string }) {
  const words = useWords(chatWords);
  return (
    <>
      <div className="mb-1.5 flex items-center gap-2">
        <KeyMark number={citation.number} current />
        <strong className="min-w-0 flex-1 truncate">{citation.document.title}</strong>
        {place && <span className="num max-w-28 flex-none truncate text-s text-faint">{place}</span>}
      </div>
      <p dir="auto" className="line-clamp-5 text-s leading-[1.55] text-muted">
        {citation.text ? `“${citation.text}”` : words.withheld}
      </p>
    </>
  );
}
