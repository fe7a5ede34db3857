import { Archive, ArchiveRestore, Download, FolderInput, Link as LinkIcon, MailOpen, Pin, PinOff, Printer, Tag, Trash2 } from "lucide-react";
import { MenuItem, MenuLine } from "@/components/ui/menu";
import type { Conversation } from "./queries";
import type { RowAct } from "./row-tools";
import type { Shelf } from "./shelf-acts";

interface ShelfItemsProps {
  row: Conversation;
  shelf: Shelf;
  onAct: (act: RowAct) => void;
  onRemove: () => void;
  /** Only what is open can be printed. */
  open?: boolean;
}

/** What a menu offers for a chat, in the list and over the open one. */
export function ShelfItems({ row, shelf, onAct, onRemove, open }: ShelfItemsProps) {
  const { words } = shelf;
  const kept = !row.expiresAt;
  return (
    <>
      {kept && (
        <>
          <MenuItem icon={row.pinned ? PinOff : Pin} onSelect={shelf.pin}>{row.pinned ? words.unpin : words.pin}</MenuItem>
          {!open && <MenuItem icon={MailOpen} onSelect={shelf.mark}>{row.unread ? words.markRead : words.markUnread}</MenuItem>}
          <MenuItem icon={FolderInput} onSelect={() => onAct("move")}>{words.move}</MenuItem>
          <MenuItem icon={Tag} onSelect={() => onAct("tags")}>{words.tags}</MenuItem>
          <MenuLine />
          <MenuItem icon={LinkIcon} onSelect={() => onAct("share")}>{words.share}</MenuItem>
        </>
      )}
      <MenuItem icon={Download} onSelect={() => shelf.download("markdown")}>{words.exportMarkdown}</MenuItem>
      <MenuItem icon={Download} onSelect={() => shelf.download("json")}>{words.exportJSON}</MenuItem>
      {open && <MenuItem icon={Printer} onSelect={() => setTimeout(() => print(), 200)}>{words.print}</MenuItem>}
      <MenuLine />
      {kept && <MenuItem icon={row.archived ? ArchiveRestore : Archive} onSelect={shelf.archive}>{row.archived ? words.unarchive : words.archive}</MenuItem>}
      <MenuItem icon={Trash2} danger onSelect={onRemove}>{words.remove}</MenuItem>
    </>
  );
}
