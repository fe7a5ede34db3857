import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Schema } from "@/api/types";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Pill } from "@/components/ui/pill";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Highlight, snippet } from "./highlight";
import { previewQuery } from "./queries";
import { searchWords } from "./words";

/** What stands beside a result while it is chosen. */
export type Look = { kind: "chat"; found: Schema<"FoundConversation"> } | { kind: "passage"; passage: Schema<"Passage"> };

/** Long enough that running through the list reads nothing. */
const pause = 250;

export function Preview({ look, terms }: { look: Look | undefined; terms: readonly string[] }) {
  const words = useWords(searchWords);
  if (!look) return <p className="px-5 py-6 text-s leading-relaxed text-muted">{words.hint}</p>;
  return look.kind === "chat" ? <Chat found={look.found} terms={terms} /> : <Passage passage={look.passage} terms={terms} />;
}

function Chat({ found, terms }: { found: Schema<"FoundConversation">; terms: readonly string[] }) {
  const words = useWords(searchWords);
  const format = useFormat();
  const { conversation, message } = found;
  const [settled, setSettled] = useState("");
  const hit = useRef<HTMLLIElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(conversation.id), pause);
    return () => clearTimeout(timer);
  }, [conversation.id]);
  const query = useQuery({ ...previewQuery(conversation.id), enabled: settled === conversation.id });
  const messages = query.data?.messages;
  useEffect(() => {
    if (messages) hit.current?.scrollIntoView?.({ block: "center" });
  }, [messages, message]);
  return (
    <>
      <h3 className="text-m font-medium break-words"><Highlight text={conversation.title} words={terms} /></h3>
      <p className="mt-1 flex flex-wrap items-center gap-1.5 text-s text-muted">
        {format.time(conversation.updatedAt)}
        {(conversation.tags ?? []).map((tag) => <Pill key={tag}>{tag}</Pill>)}
        {conversation.archived && <Pill>{words.archived}</Pill>}
      </p>
      {query.error ? <ErrorPanel error={query.error} /> : null}
      {!messages && !query.error && <Loading className="mt-4 grid gap-3"><Skeleton className="w-3/5" /><Skeleton /><Skeleton className="w-4/5" /></Loading>}
      <ol className="mt-4 grid gap-3">
        {messages?.map((m) => (
          <li key={m.id} ref={m.id === message ? hit : undefined} className={m.role === "user" ? "ms-8 rounded-m bg-selected px-3 py-2" : "px-1"}>
            <p dir="auto" className="text-s leading-relaxed break-words"><Highlight text={snippet(m.content, terms, 420)} words={terms} /></p>
          </li>
        ))}
      </ol>
    </>
  );
}

function Passage({ passage, terms }: { passage: Schema<"Passage">; terms: readonly string[] }) {
  const words = useWords(searchWords);
  const format = useFormat();
  return (
    <>
      <h3 className="text-m font-medium break-words"><Highlight text={passage.document.title} words={terms} /></h3>
      <p className="mt-1 text-s text-muted">{[passage.heading.split("\n").join(" › "), passage.page > 0 ? words.page(format.number(passage.page)) : ""].filter(Boolean).join(" · ")}</p>
      <p dir="auto" className="mt-4 text-s leading-relaxed break-words whitespace-pre-wrap"><Highlight text={passage.text} words={terms} /></p>
    </>
  );
}
