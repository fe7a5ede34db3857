import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { ErrorPanel } from "@/components/ui/error-panel";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { cx } from "@/lib/cx";
import { useLanguage, useWords } from "@/lib/words";
import { ChatRow } from "./chat-row";
import { type Group, groupByAge } from "@/lib/dates";
import { type Conversation, conversationsQuery, foldersQuery } from "./queries";
import { useRemovals } from "./removals";
import { chatWords } from "./words";

// Who has no folders needs none of it.
const Folders = lazy(() => import("./folders"));

/** The person's chats in the sidebar: folders, what is pinned, the rest grouped by age. */
export function ChatList() {
  const words = useWords(chatWords);
  const groupName = useGroupName();
  const now = useNow();
  const { gone } = useRemovals();
  const folders = useQuery(foldersQuery).data?.items;
  const query = useInfiniteQuery({
    ...conversationsQuery,
    // Notices tell when an answer is finished; this is for the time without them.
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.items.some((row) => row.running)) ? 5_000 : false),
  });

  if (query.isPending) {
    return (
      <Loading className="grid gap-4 px-2 pt-5">
        {["w-4/5", "w-3/5", "w-5/6", "w-1/2", "w-2/3"].map((width) => (
          <Skeleton key={width} className={cx("h-3.5", width)} />
        ))}
      </Loading>
    );
  }
  if (!query.data) return <div className="pt-4"><ErrorPanel title={words.listFailed} error={query.error} retry={() => void query.refetch()} /></div>;

  const rows = query.data.pages.flatMap((page) => page.items).filter((row) => !gone.has(row.id));
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()];
  // A row that was just filed or archived leaves at once, whatever the next answer brings.
  const pinned = unique.filter((row) => row.pinned && !row.archived);
  const rest = unique.filter((row) => !row.pinned && !row.archived && !row.folder);
  return (
    <div>
      {folders && folders.length > 0 && (
        <Suspense fallback={null}>
          <Folders folders={folders} />
        </Suspense>
      )}
      {unique.length === 0 && !query.hasNextPage && <p className="px-2 pt-5 text-s text-faint">{words.noChats}</p>}
      {pinned.length > 0 && <Rows name={words.pinned} rows={pinned} />}
      {groupByAge(rest, (row) => new Date(row.updatedAt), now).map(({ key, group, items }) => (
        <Rows key={key} name={groupName(group)} rows={items} />
      ))}
      {query.hasNextPage && (
        <More label={words.moreChats} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />
      )}
    </div>
  );
}

function Rows({ name, rows }: { name: string; rows: readonly Conversation[] }) {
  return (
    <section aria-label={name}>
      <h2 className="px-2 pt-4 pb-1.25 text-xs font-medium text-faint">{name}</h2>
      <ul>
        {rows.map((row) => (
          <ChatRow key={row.id} row={row} />
        ))}
      </ul>
    </section>
  );
}

function useGroupName(): (group: Group) => string {
  const words = useWords(chatWords);
  const language = useLanguage();
  return (group) => {
    if (group.kind !== "named") return words[group.kind];
    const name = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" }).format(new Date(group.year, group.month, 15));
    return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  };
}

/** The present minute: ages grow while the page stands open. */
function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
