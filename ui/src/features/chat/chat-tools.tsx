import { type ReactNode, lazy, Suspense, useState } from "react";
import { Menu } from "@/components/ui/menu";
import type { Conversation } from "./queries";
import type { RowAct } from "./row-tools";
import { useShelf } from "./shelf-acts";
import { ShelfItems } from "./shelf-items";

const ShelfDialogs = lazy(() => import("./shelf-dialogs"));

/** The menu over an open chat. It comes with the first press of its button. */
export default function ChatTools({ row, trigger }: { row: Conversation; trigger: ReactNode }) {
  const shelf = useShelf(row);
  const [act, setAct] = useState<RowAct>("idle");
  return (
    <>
      <Menu defaultOpen trigger={trigger}>
        <ShelfItems open row={row} shelf={shelf} onAct={setAct} onRemove={shelf.remove} />
      </Menu>
      {(act === "move" || act === "tags" || act === "share") && (
        <Suspense fallback={null}>
          <ShelfDialogs row={row} shelf={shelf} act={act} onClose={() => setAct("idle")} />
        </Suspense>
      )}
    </>
  );
}
