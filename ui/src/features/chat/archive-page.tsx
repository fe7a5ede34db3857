import { useInfiniteQuery } from "@tanstack/react-query";
import { Archive } from "lucide-react";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useWords } from "@/lib/words";
import { ChatRow } from "./chat-row";
import { chatsQuery } from "./queries";
import { useRemovals } from "./removals";
import { shelfWords } from "./shelf-words";

/** The chats that were put away, with the way back in their menus. */
export function ArchivePage() {
  const words = useWords(shelfWords);
  const { gone } = useRemovals();
  const query = useInfiniteQuery(chatsQuery({ archived: true }));
  const rows = (query.data?.pages.flatMap((page) => page.items) ?? []).filter((row) => row.archived && !gone.has(row.id));
  let body;
  if (query.isPending) body = <Loading className="grid gap-4"><Skeleton className="w-2/5" /><Skeleton className="w-3/5" /></Loading>;
  else if (!query.data) body = <ErrorPanel title={words.archiveFailed} error={query.error} retry={() => void query.refetch()} />;
  else if (rows.length === 0 && !query.hasNextPage) body = <Empty icon={Archive} title={words.archiveEmpty} />;
  else {
    body = (
      <>
        <ul className="-mx-2 max-w-column">
          {rows.map((row) => (
            <ChatRow key={row.id} row={row} />
          ))}
        </ul>
        {query.hasNextPage && <More label={words.moreChats} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />}
      </>
    );
  }
  return (
    <>
      <Topbar />
      <PageBody>
        <PageTitle title={words.archiveTitle} lead={words.archiveLead} />
        {body}
      </PageBody>
    </>
  );
}
