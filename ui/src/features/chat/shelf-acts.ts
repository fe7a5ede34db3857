import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { api } from "@/api/client";
import { key } from "@/api/query";
import { useToast } from "@/components/ui/toast";
import { useLanguage, useWords } from "@/lib/words";
import { type Conversation, putRow, transcriptQuery } from "./queries";
import { keepChat, removeChat } from "./removals";
import { shelfWords } from "./shelf-words";

/** What can be changed about a chat beside what was said. */
export interface Change {
  title?: string;
  pinned?: boolean;
  archived?: boolean;
  folder?: string;
  tags?: string[];
  unread?: boolean;
}

/** Everything that is done with a chat as a whole: shown at once, undone with a press. */
export function useShelf(row: Conversation) {
  const { id } = row;
  const queries = useQueryClient();
  const toast = useToast();
  const words = useWords(shelfWords);
  const language = useLanguage();
  const navigate = useNavigate();
  const shown = useRouterState({ select: (state) => state.location.pathname === `/c/${id}` });

  const show = (change: Change) => {
    putRow(queries, id, (now) => ({ ...now, ...change }));
    queries.setQueryData(transcriptQuery(id).queryKey, (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, conversation: { ...page.conversation, ...change } })) });
  };
  const save = async (change: Change) => {
    await api.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: change });
  };
  const refresh = () =>
    Promise.all([queries.invalidateQueries({ queryKey: key("/api/conversations") }), queries.invalidateQueries({ queryKey: key("/api/chat/folders") })]);

  const change = useMutation({
    mutationFn: ({ to }: { to: Change; told?: string }) => save(to),
    onMutate: ({ to }) => {
      const before: Change = Object.fromEntries(Object.keys(to).map((name) => [name, row[name as keyof Change] ?? (name === "folder" ? "" : name === "tags" ? [] : false)]));
      show(to);
      return before;
    },
    onSuccess: (_, { told }, before) => {
      if (told) {
        toast(told, () => {
          show(before);
          void save(before).catch(() => undefined).finally(refresh);
        });
      }
    },
    onError: (_, __, before) => before && show(before),
    onSettled: refresh,
  });

  const remove = () => {
    removeChat(id, async () => {
      await api.DELETE("/api/conversations/{id}", { params: { path: { id } } });
      putRow(queries, id, () => undefined);
      queries.removeQueries({ queryKey: transcriptQuery(id).queryKey });
      await refresh();
    });
    toast(words.removed, () => keepChat(id));
    if (shown) void navigate({ to: "/" });
  };

  return {
    words,
    error: change.error,
    rename: (title: string) => change.mutate({ to: { title }, told: words.renamed }),
    pin: () => change.mutate({ to: { pinned: !row.pinned }, told: row.pinned ? words.unpinned : words.pinned }),
    archive: () => {
      change.mutate({ to: { archived: !row.archived }, told: row.archived ? words.unarchived : words.archived });
      if (shown && !row.archived) void navigate({ to: "/" });
    },
    mark: () => change.mutate({ to: { unread: !row.unread } }),
    move: (folder: string, name: string) => change.mutate({ to: { folder }, told: folder ? words.moved(name) : words.movedOut }),
    tag: (tags: string[]) => change.mutateAsync({ to: { tags } }),
    remove,
    download: (format: "markdown" | "json") => {
      // The browser saves it: nothing of it passes through the page.
      const link = document.createElement("a");
      link.href = `/api/conversations/${encodeURIComponent(id)}/export?format=${format}&language=${language}`;
      link.download = "";
      link.click();
      toast(words.exported);
    },
  };
}

export type Shelf = ReturnType<typeof useShelf>;
