import { Ellipsis, Pencil } from "lucide-react";
import { lazy, type RefObject, Suspense, useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { useProblemText } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { useWords } from "@/lib/words";
import type { Conversation } from "./queries";
import { useRemovals } from "./removals";
import { useShelf } from "./shelf-acts";
import { ShelfItems } from "./shelf-items";
import { chatWords } from "./words";

const ShelfDialogs = lazy(() => import("./shelf-dialogs"));

/** What is being done with a chat of the list; "idle" is nothing yet. */
export type RowAct = "menu" | "rename" | "remove" | "move" | "tags" | "share" | "idle";

interface RowToolsProps {
  row: Conversation;
  /** The row's link: where the focus goes back to. */
  link: RefObject<HTMLAnchorElement | null>;
  act: RowAct;
  onAct: (act: RowAct) => void;
}

/** The menu of a row and what it leads to. */
export default function RowTools({ row, link, act, onAct }: RowToolsProps) {
  const listWords = useWords(chatWords);
  const problemText = useProblemText();
  const shelf = useShelf(row);
  const removeError = useRemovals().failed.get(row.id);
  const error = shelf.error ?? removeError;
  const own = link.current?.closest("li");

  const takeAway = () => {
    // The row goes, and the focus with it: it moves on to the neighbour.
    const neighbour = (own?.nextElementSibling ?? own?.previousElementSibling)?.querySelector("a");
    shelf.remove();
    setTimeout(() => neighbour?.focus(), 0);
  };
  const pressed = useRef(takeAway);
  useEffect(() => {
    pressed.current = takeAway;
  });
  useEffect(() => {
    if (act !== "remove") return;
    pressed.current();
    onAct("idle");
  }, [act, onAct]);

  if (act === "rename") {
    return (
      <TitleField
        title={row.title}
        label={shelf.words.newTitle}
        onEnd={(title) => {
          onAct("idle");
          requestAnimationFrame(() => link.current?.focus());
          if (title && title !== row.title) shelf.rename(title);
        }}
      />
    );
  }
  return (
    <>
      <Menu defaultOpen={act === "menu"} align="start" trigger={<IconButton small icon={Ellipsis} label={listWords.menuOf(row.title)} className="size-6! touch:size-9!" />}>
        <MenuItem icon={Pencil} keys="F2" onSelect={() => onAct("rename")}>{shelf.words.rename}</MenuItem>
        <ShelfItems row={row} shelf={shelf} onAct={onAct} onRemove={takeAway} />
      </Menu>
      {(act === "move" || act === "tags" || act === "share") && (
        <Suspense fallback={null}>
          <ShelfDialogs
            row={row}
            shelf={shelf}
            act={act}
            onClose={() => {
              onAct("idle");
              link.current?.focus();
            }}
          />
        </Suspense>
      )}
      {error && own
        ? createPortal(
            <p role="alert" className="px-2 pb-1 text-xs text-danger">
              {shelf.error ? shelf.words.changeFailed : shelf.words.removeFailed} {problemText(error).cause}
            </p>,
            own,
          )
        : null}
    </>
  );
}

function TitleField({ title, label, onEnd }: { title: string; label: string; onEnd: (title: string | undefined) => void }) {
  const ended = useRef(false);
  const end = (next: string | undefined) => {
    if (ended.current) return;
    ended.current = true;
    onEnd(next?.trim());
  };
  return (
    <input
      // The person asked for it a moment ago.
      // eslint-disable-next-line jsx-a11y/no-autofocus
      autoFocus
      aria-label={label}
      defaultValue={title}
      maxLength={200}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") end(event.currentTarget.value);
        else if (event.key === "Escape") end(undefined);
      }}
      className="h-(--row) w-full rounded-s bg-raised px-2 ring-edge outline-2 -outline-offset-1 outline-focus"
    />
  );
}
