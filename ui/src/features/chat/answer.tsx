import { Link } from "@tanstack/react-router";
import { lazy, memo, Suspense, useMemo } from "react";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { type Acts, AnswerActs, canGoOn } from "./answer-acts";
import { AnswerHead } from "./answer-head";
import { withoutIntroduction } from "./extract";
import { Markdown } from "./markdown";
import { useModels } from "./models";
import type { Message } from "./queries";
import { SourceList } from "./source-list";
import { SourcesContext } from "./sources";
import { chatWords } from "./words";

const AnswerFailed = lazy(() => import("./answer-failed").then((module) => ({ default: module.AnswerFailed })));

interface AnswerProps {
  /** While it is written, with what has come so far. */
  message: Message;
  /** The number whose passage is open in the panel. */
  current: number | undefined;
  onOpen: (message: string, number: number) => void;
  /** Undefined while something is written. */
  acts: Acts | undefined;
  /** It is another's: there is nothing to do with it. */
  fixed?: boolean;
}

/** An answer on the bare surface: who speaks, what was read, the text, its sources, what can be done with it. */
export const Answer = memo(function Answer({ message, current, onOpen, acts, fixed }: AnswerProps) {
  const words = useWords(chatWords);
  const writing = message.state === "writing";
  const { id, citations } = message;
  const quoted = message.kind === "extractive";
  const text = quoted ? withoutIntroduction(message.content) : message.kind === "none" && message.content && message.state === "done" ? words.nothingFound : message.content;
  const sources = useMemo(
    () => ({
      citations: new Map(citations.map((citation) => [citation.number, citation])),
      current,
      open: (number: number) => onOpen(id, number),
    }),
    [citations, current, id, onOpen],
  );
  const known = useMemo(() => new Set(citations.map((citation) => citation.number)), [citations]);
  // A model server that broke off leaves words behind and says why; a stop of this one says nothing.
  const broke = message.state === "failed" || (message.state === "interrupted" && message.problem !== undefined);
  return (
    <SourcesContext value={sources}>
      <article aria-label={words.answer} aria-busy={writing || undefined}>
        <AnswerHead message={message} />
        {quoted && message.content && !fixed && <OwnWords message={message} acts={acts} />}
        {(text || writing) && <Markdown text={text} known={known} writing={writing} quotes={quoted} />}
        {message.withheld && <Note className="mt-3.5 text-s">{words.answerWithheld}</Note>}
        {broke && (
          <Suspense fallback={<div className="h-32" />}>
            <AnswerFailed message={message} acts={acts} />
          </Suspense>
        )}
        {message.state === "interrupted" && !broke && <Interrupted message={message} acts={acts} />}
        {message.state === "stopped" && <p className="mt-3.5 text-s text-muted">{words.stopped}</p>}
        {!writing && <Marks message={message} />}
        {!writing && citations.length > 0 && !message.withheld && <SourceList citations={citations} />}
        {!writing && !fixed && <AnswerActs message={message} text={text} citations={citations} acts={acts} />}
      </article>
    </SourcesContext>
  );
});

/** Over quoted passages: why nobody wrote an answer from them, and what can be done about it. */
function OwnWords({ message, acts }: { message: Message; acts: Acts | undefined }) {
  const words = useWords(chatWords);
  const { person } = useSession();
  const models = useModels();
  const writer = models.answering("");
  const none = models.list.length === 0;
  const action = writer ? (
    acts && message.state !== "writing" && <Button small onClick={() => acts.again(message, writer.name)}>{words.answerWith(writer.label)}</Button>
  ) : (
    models.known && administers(person) && <Button asChild small><Link to="/admin/models">{none ? words.connectModel : words.toModels}</Link></Button>
  );
  return (
    <Note className="mb-3.5 flex-wrap text-s" action={action}>
      {!writer && <strong>{none ? words.noModel : words.modelsDown} </strong>}
      <span className={writer ? undefined : "text-muted"}>{words.noModelWhy}</span>
    </Note>
  );
}

/** The service stopped in the middle: what was shown stays, and can be gone on with. */
function Interrupted({ message, acts }: { message: Message; acts: Acts | undefined }) {
  const words = useWords(chatWords);
  const action = acts && (canGoOn(message) ? (
    <Button small kind="primary" onClick={() => acts.goOn(message)}>{words.resume}</Button>
  ) : (
    <Button small onClick={() => acts.again(message)}>{words.again}</Button>
  ));
  return (
    <Note kind="care" className="mt-3.5" action={action}>
      {words.interrupted} {canGoOn(message) && message.content && <span className="text-muted">{words.interruptedKept}</span>}
    </Note>
  );
}

/** What a reader must know of a finished answer: nothing proves it, something was left out, it was cut. */
function Marks({ message }: { message: Message }) {
  const words = useWords(chatWords);
  const { unsupported, truncated, context } = message;
  const cut = context && (context.droppedTurns > 0 || context.droppedPassages > 0);
  return (
    <>
      {unsupported && <Note kind="care" className="mt-3.5 text-s">{words.unsupported}</Note>}
      {cut && <Note kind="live" className="mt-3.5 text-s">{words.dropped(context.droppedTurns, context.droppedPassages)}</Note>}
      {truncated && message.state === "done" && <p className="mt-3.5 text-s text-muted">{words.truncated}</p>}
    </>
  );
}
