import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Link2Off } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { key } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Topbar } from "@/components/ui/frame";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Answer } from "./answer";
import { Bubble } from "./question";
import { shelfWords } from "./shelf-words";

const SourcePanel = lazy(() => import("./source-panel").then((module) => ({ default: module.SourcePanel })));

/** A chat of a colleague, to be read. */
export function SharedPage() {
  const { share } = useParams({ strict: false });
  return share === undefined ? null : <Shared key={share} id={share} />;
}

function Shared({ id }: { id: string }) {
  const words = useWords(shelfWords);
  const format = useFormat();
  const [source, setSource] = useState<{ message: string; number: number }>();
  const query = useInfiniteQuery({
    queryKey: key("/api/shares/{id}", id),
    queryFn: ({ pageParam, signal }) => body(api.GET("/api/shares/{id}", { params: { path: { id }, query: pageParam ? { cursor: pageParam } : {} }, signal })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next || undefined,
  });
  const chat = query.data?.pages[0];
  const messages = [...(query.data?.pages ?? [])].reverse().flatMap((page) => page.messages);
  const cited = messages.find((message) => message.id === source?.message);
  let page;
  if (query.isPending) page = <Loading className="grid gap-4"><Skeleton className="h-11 w-3/5 justify-self-end" /><Skeleton /><Skeleton className="w-4/5" /></Loading>;
  else if (!chat) {
    page = asProblem(query.error).status === 404 ? (
      <Empty heading icon={Link2Off} title={words.sharedGone} action={<Button asChild kind="primary"><Link to="/">{words.yourChats}</Link></Button>}>{words.sharedGoneHelp}</Empty>
    ) : (
      <ErrorPanel title={words.sharedFailed} error={query.error} retry={() => void query.refetch()} />
    );
  } else {
    page = (
      <>
        <p className="mb-6 text-s text-muted">{words.sharedBy(chat.owner, format.time(chat.createdAt))}</p>
        {query.hasNextPage && <More label={words.older} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />}
        <ol className="grid gap-6">
          {messages.map((message) => (
            <li key={message.id} className="min-w-0">
              {message.role === "user" ? (
                <Bubble>{message.content}</Bubble>
              ) : (
                <Answer fixed message={message} acts={undefined} current={source?.message === message.id ? source.number : undefined} onOpen={(at, number) => setSource({ message: at, number })} />
              )}
            </li>
          ))}
        </ol>
      </>
    );
  }
  return (
    <>
      <Topbar><h1 className="min-w-0 truncate text-m font-medium max-frame:flex-1 max-frame:text-center">{chat?.title}</h1></Topbar>
      <div className="thin-scroll min-h-0 flex-1 overflow-y-auto px-4 pt-2 pb-16 frame:px-6">
        <div className="mx-auto w-full max-w-column">{page}</div>
      </div>
      {source && (
        <Suspense fallback={null}>
          <SourcePanel citations={cited?.citations ?? []} number={source.number} byKeys={false} onOpen={(number) => setSource({ ...source, number })} onClose={() => setSource(undefined)} />
        </Suspense>
      )}
    </>
  );
}
