import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { Ellipsis, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { api } from "@/api/client";
import { key } from "@/api/query";
import { useProblemText } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Conversation, putRow, transcriptQuery } from "./queries";
import { keepChat, removeChat, useRemovals } from "./removals";
import { chatWords } from "./words";

/** One chat of the list: its title, its age or that it is being answered, its menu in the age's place. */
export function ChatRow({ row }: { row: Conversation }) {
  const words = useWords(chatWords);
  const format = useFormat();
  const problemText = useProblemText();
  const [editing, setEditing] = useState(false);
  const rename = useRename(row);
  const remove = useRemove(row);
  const removeError = useRemovals().failed.get(row.id);
  const link = useRef<HTMLAnchorElement>(null);
  const error = rename.error ?? removeError;

  if (editing) {
    return (
      <li>
        <TitleField
          title={row.title}
          onEnd={(title) => {
            setEditing(false);
            requestAnimationFrame(() => link.current?.focus());
            if (title && title !== row.title) rename.mutate(title);
          }}
        />
      </li>
    );
  }
  const takeAway = () => {
    // The row goes, and the focus with it: it moves on to the neighbour.
    const own = link.current?.closest("li");
    const neighbour = (own?.nextElementSibling ?? own?.previousElementSibling)?.querySelector("a");
    remove();
    setTimeout(() => neighbour?.focus(), 0);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "F2") setEditing(true);
    else if (event.key === "Delete") takeAway();
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
          className="min-w-0 flex-1 truncate ps-2 pe-1 leading-(--row) text-text no-underline outline-none after:absolute after:inset-0 after:rounded-s focus-visible:after:outline-2 focus-visible:after:outline-focus aria-[current=page]:font-medium contrast:aria-[current=page]:underline"
        >
          {row.title}
        </Link>
        <span className="flex min-w-6 flex-none justify-end group-focus-within/row:invisible group-hover/row:invisible group-has-[[data-state=open]]/row:invisible touch:visible!">
          {row.running ? (
            <span role="img" aria-label={words.writing} title={words.writing} className="spinner me-1" />
          ) : (
            <span className="num pe-1 text-xs text-faint">{format.age(row.updatedAt)}</span>
          )}
        </span>
        {/* It is only unseen, not gone: the focus must find its way back to it. */}
        <div className="absolute end-1 z-1 opacity-0 group-focus-within/row:opacity-100 group-hover/row:opacity-100 has-[[data-state=open]]:opacity-100 touch:static touch:opacity-100">
          <Menu align="start" trigger={<IconButton small icon={Ellipsis} label={words.menuOf(row.title)} className="size-6! touch:size-9!" />}>
            <MenuItem icon={Pencil} keys="F2" onSelect={() => setEditing(true)}>{words.rename}</MenuItem>
            <MenuLine />
            <MenuItem icon={Trash2} danger onSelect={takeAway}>{words.remove}</MenuItem>
          </Menu>
        </div>
      </div>
      {error ? (
        <p role="alert" className="px-2 pb-1 text-xs text-danger">
          {rename.error ? words.renameFailed : words.removeFailed} {problemText(error).cause}
        </p>
      ) : null}
    </li>
  );
}

function TitleField({ title, onEnd }: { title: string; onEnd: (title: string | undefined) => void }) {
  const words = useWords(chatWords);
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
      aria-label={words.newTitle}
      defaultValue={title}
      maxLength={200}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") end(event.currentTarget.value);
        else if (event.key === "Escape") end(undefined);
      }}
      className="h-(--row) w-full rounded-s bg-raised px-2 ring-edge outline-2 -outline-offset-1 outline-focus"
    />
  );
}

function useRename(row: Conversation) {
  const queries = useQueryClient();
  const toast = useToast();
  const words = useWords(chatWords);
  const show = (title: string) => {
    putRow(queries, row.id, (now) => ({ ...now, title }));
    queries.setQueryData(transcriptQuery(row.id).queryKey, (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, conversation: { ...page.conversation, title } })) });
  };
  const save = (title: string) => api.PATCH("/api/conversations/{id}", { params: { path: { id: row.id } }, body: { title } });
  return useMutation({
    mutationFn: save,
    onMutate: (title) => {
      show(title);
      return row.title;
    },
    onSuccess: (_, __, before) =>
      toast(words.renamed, () => {
        show(before);
        void save(before).catch(() => undefined).finally(() => queries.invalidateQueries({ queryKey: key("/api/conversations") }));
      }),
    onError: (_, __, before) => before !== undefined && show(before),
  });
}

/** Deletes after the time to undo it. */
function useRemove({ id }: Conversation): () => void {
  const queries = useQueryClient();
  const toast = useToast();
  const words = useWords(chatWords);
  const navigate = useNavigate();
  const shown = useRouterState({ select: (state) => state.location.pathname === `/c/${id}` });
  return () => {
    removeChat(id, async () => {
      await api.DELETE("/api/conversations/{id}", { params: { path: { id } } });
      putRow(queries, id, () => undefined);
      queries.removeQueries({ queryKey: transcriptQuery(id).queryKey });
      await queries.invalidateQueries({ queryKey: key("/api/conversations") });
    });
    toast(words.removed, () => keepChat(id));
    if (shown) void navigate({ to: "/" });
  };
}
