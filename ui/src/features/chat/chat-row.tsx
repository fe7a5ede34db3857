import { Link } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { type KeyboardEvent, lazy, Suspense, useRef, useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { cx } from "@/lib/cx";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { chatDrag, type Conversation } from "./queries";
import { removalFailed } from "./removals";
import type { RowAct } from "./row-tools";
import { chatWords } from "./words";

// What is done with a chat comes with the first press; the list itself only shows.
const RowTools = lazy(() => import("./row-tools"));

/** One chat of the list: its title, its age or that it is being answered, its menu in the age's place. */
export function ChatRow({ row }: { row: Conversation }) {
  const words = useWords(chatWords);
  const format = useFormat();
  const link = useRef<HTMLAnchorElement>(null);
  // A deletion that failed brings the row back with its reason.
  const [act, setAct] = useState<RowAct | undefined>(() => (removalFailed(row.id) ? "idle" : undefined));
  const plain = <IconButton small icon={Ellipsis} label={words.menuOf(row.title)} aria-haspopup="menu" aria-expanded={false} onClick={() => setAct("menu")} className="size-6! touch:size-9!" />;

  const press = (event: KeyboardEvent) => {
    if (event.key === "F2") setAct("rename");
    else if (event.key === "Delete") setAct("remove");
    else return;
    event.preventDefault();
  };
  return (
    <li>
      <div className="group/row relative flex h-(--row) items-center rounded-s pe-1 transition-[background] duration-fast hover:bg-hover has-[[aria-current=page]]:bg-selected has-[[data-state=open]]:bg-hover">
        <Link
          ref={link}
          to="/c/$conversation"
          params={{ conversation: row.id }}
          title={row.title}
          onKeyDown={press}
          onDragStart={(event) => event.dataTransfer.setData(chatDrag, row.id)}
          className={cx(
            "min-w-0 flex-1 truncate ps-2 pe-1 leading-(--row) text-text no-underline outline-none after:absolute after:inset-0 after:rounded-s focus-visible:after:outline-2 focus-visible:after:outline-focus aria-[current=page]:font-medium contrast:aria-[current=page]:underline",
            row.unread && "font-strong",
          )}
        >
          {row.title}
        </Link>
        <span className="flex min-w-6 flex-none items-center justify-end group-focus-within/row:invisible group-hover/row:invisible group-has-[[data-state=open]]/row:invisible touch:visible!">
          {row.running ? (
            <span role="img" aria-label={words.writing} title={words.writing} className="spinner me-1" />
          ) : (
            <>
              {row.unread && <span role="img" aria-label={words.unread} title={words.unread} className="me-1.5 size-1.75 rounded-full bg-accent" />}
              <span className="num pe-1 text-xs text-faint">{format.age(row.updatedAt)}</span>
            </>
          )}
        </span>
        {/* It is only unseen, not gone: the focus must find its way back to it. */}
        <div className={act === "rename" ? "absolute inset-0 z-1" : "absolute end-1 z-1 opacity-0 group-focus-within/row:opacity-100 group-hover/row:opacity-100 has-[[data-state=open]]:opacity-100 touch:static touch:opacity-100"}>
          {act ? <Suspense fallback={plain}><RowTools row={row} link={link} act={act} onAct={setAct} /></Suspense> : plain}
        </div>
      </div>
    </li>
  );
}
