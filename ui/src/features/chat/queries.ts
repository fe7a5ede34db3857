import { type InfiniteData, infiniteQueryOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";

export type Conversation = Schema<"Conversation">;
export type Message = Schema<"Message">;
export type Transcript = Schema<"Transcript">;
type List = Schema<"PageConversation">;

/** What a row that is dragged carries. */
export const chatDrag = "application/x-chat";

/** Some of the person's chats, newest first, page by page. */
export function chatsQuery(of: { loose?: true; folder?: string; archived?: true }) {
  return infiniteQueryOptions({
    queryKey: key("/api/conversations", of),
    queryFn: ({ pageParam, signal }) =>
      body(api.GET("/api/conversations", { params: { query: { limit: 40, ...of, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
}

/** Those of the sidebar: the pinned ones first, then those in no folder. */
export const conversationsQuery = chatsQuery({ loose: true });

/** The person's folders of chats. */
export const foldersQuery = queryOptions({
  queryKey: key("/api/chat/folders"),
  queryFn: ({ signal }) => body(api.GET("/api/chat/folders", { signal })),
});

/** One chat: the first page is the newest, each further one is older. */
export function transcriptQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: key("/api/conversations/{id}", id),
    queryFn: ({ pageParam, signal }) =>
      body(api.GET("/api/conversations/{id}", { params: { path: { id }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
}

/** The messages of a chat, oldest first, whatever page they came with. */
export function messagesOf(data: InfiniteData<Transcript> | undefined): Message[] {
  const seen = new Map<string, Message>();
  for (const page of [...(data?.pages ?? [])].reverse()) for (const message of page.messages) seen.set(message.id, message);
  return [...seen.values()];
}

/** Puts new or changed messages into the chat that is shown, without asking for it again. */
export function putMessages(queries: QueryClient, id: string, messages: readonly Message[]): void {
  queries.setQueryData(transcriptQuery(id).queryKey, (data) => {
    const [newest, ...older] = data?.pages ?? [];
    if (!data || !newest) return data;
    const changed = new Map(messages.map((message) => [message.id, message]));
    const replace = (list: readonly Message[]) =>
      list.map((message) => {
        const next = changed.get(message.id);
        changed.delete(message.id);
        return next ?? message;
      });
    const rest = older.map((page) => ({ ...page, messages: replace(page.messages) }));
    return { ...data, pages: [{ ...newest, messages: [...replace(newest.messages), ...changed.values()] }, ...rest] };
  });
}

/**
 * Shows another path of a chat: what followed `parent` makes room for the messages. "" is the beginning.
 * A message that is there already keeps its place, so an answer that is gone on with stays where it is.
 */
export function putPath(queries: QueryClient, id: string, parent: string, messages: readonly Message[]): void {
  queries.setQueryData(transcriptQuery(id).queryKey, (data) => {
    const newest = data?.pages[0];
    if (!data || !newest) return data;
    const at = data.pages.findIndex((page) => page.messages.some((message) => message.id === parent));
    const page = data.pages[at];
    if (parent !== "" && !page) return data;
    const kept = page ? page.messages.slice(0, page.messages.findIndex((message) => message.id === parent) + 1) : [];
    return {
      // The first page is always asked for without a cursor.
      pages: [{ conversation: newest.conversation, messages: [...kept, ...messages], next: page ? page.next : "" }, ...data.pages.slice(page ? at + 1 : data.pages.length)],
      pageParams: ["", ...data.pageParams.slice(page ? at + 1 : data.pageParams.length)],
    };
  });
}

/** Begins a chat in the cache, so that its page opens with the question already on it. */
export function putConversation(queries: QueryClient, conversation: Conversation, messages: readonly Message[]): void {
  queries.setQueryData(transcriptQuery(conversation.id).queryKey, {
    pages: [{ conversation, messages: [...messages], next: "" }],
    pageParams: [""],
  });
  if (conversation.expiresAt) return; // it is in no list
  queries.setQueryData(conversationsQuery.queryKey, (data) => {
    const [first, ...rest] = data?.pages ?? [];
    if (!data || !first) return data;
    return { ...data, pages: [{ ...first, items: [conversation, ...first.items] }, ...rest] };
  });
}

/** Changes one row of the lists; undefined takes it out. */
export function putRow(queries: QueryClient, id: string, change: (row: Conversation) => Conversation | undefined): void {
  queries.setQueriesData<InfiniteData<List>>({ queryKey: key("/api/conversations") }, (data) =>
    data && {
      ...data,
      pages: data.pages.map((page): List => ({
        ...page,
        items: page.items.flatMap((row) => {
          if (row.id !== id) return [row];
          const next = change(row);
          return next ? [next] : [];
        }),
      })),
    },
  );
}
