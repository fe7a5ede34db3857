import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronRight, Ellipsis, Folder, Pencil, Trash2 } from "lucide-react";
import { type DragEvent, useId, useState } from "react";
import { api } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { ErrorPanel, useProblemText } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { More } from "@/components/ui/more";
import { useToast } from "@/components/ui/toast";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { ChatRow } from "./chat-row";
import { chatDrag, chatsQuery, putRow } from "./queries";
import { useRemovals } from "./removals";
import { shelfWords } from "./shelf-words";

type ChatFolder = Schema<"ChatFolder">;

/** The folders of chats, each opening in its place; chats are dropped on them. */
export default function Folders({ folders }: { folders: readonly ChatFolder[] }) {
  const words = useWords(shelfWords);
  return (
    <section aria-label={words.folders}>
      <h2 className="px-2 pt-4 pb-1.25 text-xs font-medium text-faint">{words.folders}</h2>
      <ul>
        {folders.map((folder) => (
          <FolderRow key={folder.id} folder={folder} />
        ))}
      </ul>
    </section>
  );
}

function FolderRow({ folder }: { folder: ChatFolder }) {
  const words = useWords(shelfWords);
  const problemText = useProblemText();
  const queries = useQueryClient();
  const toast = useToast();
  const [open, setOpen] = useState(false);
  const [over, setOver] = useState(false);
  const [naming, setNaming] = useState(false);
  const list = useId();
  const refresh = () =>
    Promise.all([queries.invalidateQueries({ queryKey: key("/api/conversations") }), queries.invalidateQueries({ queryKey: key("/api/chat/folders") })]);

  const drop = useMutation({
    mutationFn: (id: string) => api.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: { folder: folder.id } }),
    onMutate: (id) => putRow(queries, id, (row) => ({ ...row, folder: folder.id })),
    onSuccess: () => toast(words.moved(folder.name)),
    onSettled: refresh,
  });
  const rename = useMutation({
    mutationFn: (name: string) => api.PATCH("/api/chat/folders/{id}", { params: { path: { id: folder.id } }, body: { name } }),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/chat/folders/{id}", { params: { path: { id: folder.id } } }),
    onSuccess: () => toast(words.folderDeleted),
    onSettled: refresh,
  });
  const takes = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(chatDrag)) return;
    event.preventDefault();
    setOver(true);
  };
  const error = drop.error ?? rename.error ?? remove.error;
  return (
    <li>
      <div
        onDragEnter={takes}
        onDragOver={takes}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          setOver(false);
          const id = event.dataTransfer.getData(chatDrag);
          if (!id) return;
          event.preventDefault();
          drop.mutate(id);
        }}
        className={cx("group/row relative flex h-(--row) items-center rounded-s pe-1 transition-[background] duration-fast hover:bg-hover has-[[data-state=open]]:bg-hover", over && "bg-accent-soft ring-edge")}
      >
        {naming ? (
          <NameField name={folder.name} onEnd={(name) => {
            setNaming(false);
            if (name && name !== folder.name) rename.mutate(name);
          }} />
        ) : (
          <button
            type="button"
            aria-expanded={open}
            aria-controls={open ? list : undefined}
            onClick={() => setOpen(!open)}
            className="flex min-w-0 flex-1 items-center gap-1.5 ps-1 pe-1 text-start leading-(--row) outline-none after:absolute after:inset-0 after:rounded-s focus-visible:after:outline-2 focus-visible:after:outline-focus"
          >
            <ChevronRight aria-hidden="true" className={cx("size-3.75 flex-none text-faint transition-transform duration-fast rtl:-scale-x-100", open && "rotate-90")} />
            <Folder aria-hidden="true" className="size-4 flex-none text-muted" />
            <span className="min-w-0 flex-1 truncate">{folder.name}</span>
          </button>
        )}
        <span className="num flex min-w-6 flex-none justify-end pe-1 text-xs text-faint group-focus-within/row:invisible group-hover/row:invisible touch:visible!">{folder.conversations}</span>
        <div className="absolute end-1 z-1 opacity-0 group-focus-within/row:opacity-100 group-hover/row:opacity-100 has-[[data-state=open]]:opacity-100 touch:static touch:opacity-100">
          <Menu align="start" trigger={<IconButton small icon={Ellipsis} label={words.folderMenu(folder.name)} className="size-6! touch:size-9!" />}>
            <MenuItem icon={Pencil} onSelect={() => setNaming(true)}>{words.folderRename}</MenuItem>
            <MenuItem icon={Trash2} danger onSelect={() => remove.mutate()}>{words.folderDelete}</MenuItem>
          </Menu>
        </div>
      </div>
      {error ? <p role="alert" className="px-2 pb-1 text-xs text-danger">{problemText(error).cause}</p> : null}
      {open && <Inside id={list} folder={folder} />}
    </li>
  );
}

function Inside({ id, folder }: { id: string; folder: ChatFolder }) {
  const words = useWords(shelfWords);
  const { gone } = useRemovals();
  const query = useInfiniteQuery(chatsQuery({ folder: folder.id }));
  if (query.isPending) return null;
  if (!query.data) return <ErrorPanel title={words.folderFailed} error={query.error} retry={() => void query.refetch()} />;
  const rows = query.data.pages.flatMap((page) => page.items).filter((row) => !gone.has(row.id) && !row.archived && row.folder === folder.id);
  if (rows.length === 0) return <p id={id} className="ps-7.5 pe-2 pb-1.5 text-xs text-faint">{words.folderEmpty}</p>;
  return (
    <>
      <ul id={id} className="ms-3.5 border-s border-line ps-1.5">
        {rows.map((row) => (
          <ChatRow key={row.id} row={row} />
        ))}
      </ul>
      {query.hasNextPage && <More label={words.moreChats} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />}
    </>
  );
}

function NameField({ name, onEnd }: { name: string; onEnd: (name: string | undefined) => void }) {
  const words = useWords(shelfWords);
  return (
    <input
      // The person asked for it a moment ago.
      // eslint-disable-next-line jsx-a11y/no-autofocus
      autoFocus
      aria-label={words.folderName}
      defaultValue={name}
      maxLength={60}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => onEnd(event.target.value.trim())}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") event.currentTarget.blur();
        else if (event.key === "Escape") {
          event.currentTarget.value = name;
          event.currentTarget.blur();
        }
      }}
      className="relative z-1 h-(--row) w-full rounded-s bg-raised px-2 ring-edge outline-2 -outline-offset-1 outline-focus"
    />
  );
}
