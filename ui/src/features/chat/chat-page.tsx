import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Ellipsis, MessageCircleOff, PanelRight, SquarePen } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { api } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { MenuButton } from "@/components/ui/menu-button";
import { More } from "@/components/ui/more";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { cx } from "@/lib/cx";
import { phone, useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import { Answer } from "./answer";
import { Composer, type ComposerHandle } from "./composer";
import { Dock } from "./dock";
import { KnowledgePicker } from "./knowledge-picker";
import { ModelPicker } from "./model-picker";
import { roomQuery, useModels } from "./models";
import { type Conversation, putRow } from "./queries";
import { Bubble, Question } from "./question";
import { useRemovals } from "./removals";
import { Transcript, type TranscriptHandle } from "./transcript";
import { Turns } from "./turns";
import { useActs } from "./use-acts";
import { useChat } from "./use-chat";
import { chatWords } from "./words";

// The document is a press away: what sets it on paper comes with the first one.
const SourcePanel = lazy(() => import("./source-panel").then((module) => ({ default: module.SourcePanel })));

const Queue = lazy(() => import("./queue"));
const ChatTools = lazy(() => import("./chat-tools"));

// It comes with the first answer that is waited for, and stands over the text: nothing moves.
const RunLine = lazy(() => import("./run-line").then((module) => ({ default: module.RunLine })));

/** One chat: what was asked and answered, the answer that is being written, and the place to ask on. */
export function ChatPage() {
  const { conversation } = useParams({ strict: false });
  // Nothing of one chat may stay on the page of another.
  return conversation === undefined ? null : <Chat key={conversation} id={conversation} />;
}

interface OpenSource {
  message: string;
  number: number;
  byKeys?: boolean;
}

interface Editing {
  question: string;
  /** What was written already and not sent. */
  text?: string;
}

function Chat({ id }: { id: string }) {
  const words = useWords(chatWords);
  const chat = useChat(id);
  const { query, writing, running, ask, act, stop } = chat;
  const { gone } = useRemovals();
  // What is being deleted takes with it what follows.
  const cut = chat.messages.findIndex((message) => gone.has(message.id));
  const messages = cut < 0 ? chat.messages : chat.messages.slice(0, cut);
  const conversation = query.data?.pages[0]?.conversation;
  const composer = useRef<ComposerHandle>(null);
  const transcript = useRef<TranscriptHandle>(null);
  const [sources, setSources] = useState<OpenSource>();
  const [chosen, setChosen] = useState<string[]>();
  const [chosenModel, setChosenModel] = useState<string>();
  const [editing, setEditing] = useState<Editing>();
  const knowledge = chosen ?? conversation?.knowledge ?? [];
  const models = useModels();
  const modelName = chosenModel ?? conversation?.model ?? "";
  const writer = models.answering(modelName)?.name ?? "";
  const room = useQuery({ ...roomQuery(id, writer), enabled: writer !== "" && conversation !== undefined }).data;
  useTitle(conversation?.title);
  useSeen(conversation);

  const busy = ask.isPending || act.isPending || writing !== undefined;
  const toLatest = () => requestAnimationFrame(() => transcript.current?.toLatest());
  const send = (message: string) => {
    act.reset();
    ask.mutate({ message, knowledge, model: chosenModel, writer }, { onError: (error) => composer.current?.restore(message, error) });
    toLatest();
  };
  // What was sent while an answer was written goes out when it has ended, one after the other.
  const [queue, setQueue] = useState<readonly string[]>([]);
  const waits = queue.length > 0 && !busy && !ask.error && conversation !== undefined;
  const sendNext = useEffectEvent(() => {
    const [next, ...rest] = queue;
    setQueue(rest);
    if (next) send(next);
  });
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => sendNext(), 0);
    return () => clearTimeout(timer);
  }, [waits]);
  const acts = useActs({ ...chat, models, knowledge: chosen, model: chosenModel, writer, busy, toLatest, onRefused: setEditing });
  const edit = useCallback((question: string | undefined) => {
    setEditing(question === undefined ? undefined : { question });
    if (question === undefined) composer.current?.focus();
  }, []);
  const lastQuestion = messages.findLast((message) => message.role === "user");
  const opener = useRef<HTMLElement>(null);
  const open = useCallback((message: string, number: number) => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    setSources({ message, number, byKeys: opener.current?.matches(":focus-visible") === true });
  }, []);
  const close = () => {
    setSources(undefined);
    if (sources?.byKeys) opener.current?.focus();
  };
  const shown = messages.find((message) => message.id === sources?.message);
  const cited = messages.findLast((message) => message.citations.length > 0);

  const stopping = stop.isPending || (stop.isSuccess && stop.variables === writing?.run);
  const halt = () => writing?.run && stop.mutate(writing.run);

  let body;
  if (query.isPending) body = <ThreadSkeleton />;
  else if (!conversation) {
    body = asProblem(query.error).status === 404 ? (
      <Empty heading icon={MessageCircleOff} title={words.chatGone} action={<Button asChild kind="primary"><Link to="/">{words.newChat}</Link></Button>}>
        {words.chatGoneHelp}
      </Empty>
    ) : (
      <ErrorPanel title={words.chatFailed} error={query.error} retry={() => void query.refetch()} />
    );
  } else {
    body = (
      <>
        {query.hasNextPage && (
          <More label={words.loadOlder} busy={query.isFetchingNextPage} error={query.isFetchNextPageError ? query.error : null} onMore={() => void query.fetchNextPage({ cancelRefetch: false })} />
        )}
        <Turns
          messages={messages}
          tail={
            ask.isPending && (
              <li>
                <Bubble>{ask.variables.message}</Bubble>
              </li>
            )
          }
        >
          {(message) =>
            message.role === "user" ? (
              <Question
                message={message}
                editing={editing?.question === message.id}
                draft={editing?.text}
                sent={act.isPending && act.variables.kind === "edit" && act.variables.question.id === message.id ? act.variables.message : undefined}
                room={room}
                onEdit={edit}
                acts={acts}
              />
            ) : (
              <Answer message={message} current={sources?.message === message.id ? sources.number : undefined} onOpen={open} acts={acts} />
            )
          }
        </Turns>
      </>
    );
  }
  return (
    <>
      <ChatBar
        chat={conversation}
        panel={sources !== undefined}
        onPanel={cited || sources ? () => setSources(sources || !cited ? undefined : { message: cited.id, number: cited.citations[0]?.number ?? 1 }) : undefined}
      />
      <Transcript handle={transcript} chat={query.isPending ? "" : id} over={
          writing && (
            <Suspense fallback={null}>
              <RunLine running={running} model={writing.kind === "generated" && writing.model ? models.label(writing.model) : ""} stopping={stopping} onLeave={halt} />
            </Suspense>
          )
        }>
        {body}
      </Transcript>
      {conversation && (
        <Dock
          error={ask.error ?? act.error ?? stop.error}
          title={ask.error ? words.notSent : act.error && act.variables ? words.notDone[act.variables.kind] : undefined}
          retry={ask.error ? () => composer.current?.submit() : act.error && act.variables && act.variables.kind !== "edit" ? () => act.mutate(act.variables) : undefined}
        >
          {queue.length > 0 && (
            <Suspense fallback={null}>
              <Queue texts={queue} onTake={(at) => setQueue(queue.filter((_, i) => i !== at))} />
            </Suspense>
          )}
          <Composer
            ref={composer}
            chat={id}
            placeholder={messages.length > 0 ? words.placeholderNext : words.placeholder}
            running={writing !== undefined}
            stopping={stopping}
            sending={ask.isPending || act.isPending}
            onSend={send}
            onStop={halt}
            onQueue={(text) => setQueue([...queue, text])}
            onEditLast={acts && lastQuestion ? () => edit(lastQuestion.id) : undefined}
            room={room}
            tools={<KnowledgePicker chosen={knowledge} onChange={setChosen} />}
            picker={<ModelPicker models={models} chosen={modelName} onChange={setChosenModel} />}
          />
        </Dock>
      )}
      {sources && (
        <Suspense fallback={null}>
          <SourcePanel
            citations={shown?.citations ?? []}
            number={sources.number}
            byKeys={sources.byKeys === true}
            onOpen={(number) => setSources({ ...sources, number, byKeys: false })}
            onClose={close}
          />
        </Suspense>
      )}
    </>
  );
}

function ChatBar({ chat, panel, onPanel }: { chat: Conversation | undefined; panel: boolean; onPanel: (() => void) | undefined }) {
  const words = useWords(chatWords);
  const onPhone = useMedia(phone);
  return (
    <Topbar
      actions={
        onPhone ? (
          <Link to="/" aria-label={words.newChat} className="inline-grid size-11 flex-none place-items-center rounded-s text-muted hover:bg-hover hover:text-text">
            <SquarePen aria-hidden="true" />
          </Link>
        ) : (
          <IconButton icon={PanelRight} label={words.openSources} pressed={panel} disabled={!onPanel} onClick={onPanel} />
        )
      }
    >
      <h1 className="min-w-0 truncate text-m font-medium max-frame:flex-1 max-frame:text-center">{chat?.title}</h1>
      {chat && (
        <MenuButton trigger={<IconButton small icon={Ellipsis} label={words.menuOf(chat.title)} />}>
          {(trigger) => <ChatTools row={chat} trigger={trigger} />}
        </MenuButton>
      )}
      {chat?.expiresAt && <span title={words.temporaryHelp} className="rounded-full bg-accent-soft px-2 py-0.5 text-xs font-medium whitespace-nowrap text-accent-text">{words.temporary}</span>}
    </Topbar>
  );
}

/** Tells the server that the last answer was looked at: by somebody, not by a tab in the back. */
function useSeen(chat: Conversation | undefined): void {
  const queries = useQueryClient();
  const id = chat?.unread && !chat.running ? chat.id : undefined;
  useEffect(() => {
    if (id === undefined) return;
    const look = () => {
      if (document.visibilityState !== "visible") return;
      removeEventListener("visibilitychange", look);
      putRow(queries, id, (row) => ({ ...row, unread: false }));
      api.PATCH("/api/conversations/{id}", { params: { path: { id } }, body: { unread: false } }).catch(() => undefined);
    };
    addEventListener("visibilitychange", look);
    look();
    return () => removeEventListener("visibilitychange", look);
  }, [id, chat?.updatedAt, queries]);
}

function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title) document.title = `${title} · ChatETS`;
    return () => {
      document.title = "ChatETS";
    };
  }, [title]);
}

function ThreadSkeleton() {
  return (
    <Loading className="grid gap-6">
      <Skeleton className="h-11 w-3/5 justify-self-end rounded-m!" />
      <div className="grid gap-3">
        {["w-1/4", "w-full", "w-full", "w-4/5", "w-full", "w-2/3"].map((width, i) => (
          <Skeleton key={i} className={cx("h-3.5", width)} />
        ))}
      </div>
    </Loading>
  );
}
