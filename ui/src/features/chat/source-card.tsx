import * as Popover from "@radix-ui/react-popover";
import type { RefObject } from "react";
import { KeyMark } from "@/components/ui/key";
import { useWords } from "@/lib/words";
import { type Citation, placeOf } from "./sources";
import { chatWords } from "./words";

interface SourceCardProps {
  citation: Citation;
  /** The key it belongs to. */
  anchor: RefObject<HTMLElement | null>;
  /** The pointer came to the card or left it. */
  onStay: (on: boolean) => void;
  onClose: () => void;
}

/** What a key stands for, beside it: the key says the same to a screen reader, so the focus stays where it is. */
export function SourceCard({ citation, anchor, onStay, onClose }: SourceCardProps) {
  const words = useWords(chatWords);
  const place = placeOf(citation, words.page);
  return (
    <Popover.Root open onOpenChange={(on) => !on && onClose()}>
      {/* The key is there before its card is. */}
      <Popover.Anchor virtualRef={anchor as RefObject<HTMLElement>} />
      <Popover.Portal>
        <Popover.Content
          role="tooltip"
          side="top"
          sideOffset={6}
          collisionPadding={12}
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => event.preventDefault()}
          onPointerEnter={() => onStay(true)}
          onPointerLeave={() => onStay(false)}
          className="pop-in z-50 w-84 max-w-[calc(100vw-1.5rem)] rounded-pop bg-raised px-3.5 py-3 outline-none float-edge"
        >
          <div className="mb-1.5 flex items-center gap-2">
            <KeyMark number={citation.number} current />
            <strong className="min-w-0 flex-1 truncate">{citation.document.title}</strong>
            {place && <span className="num max-w-28 flex-none truncate text-s text-faint">{place}</span>}
          </div>
          <p dir="auto" className="line-clamp-5 text-s leading-[1.55] text-muted">
            {citation.text ? `“${citation.text}”` : words.withheld}
          </p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
