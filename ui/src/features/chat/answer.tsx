import { Check, ChevronRight, Copy, Quote, RotateCcw } from "lucide-react";
import { memo, useId, useMemo, useState } from "react";
import { problemFrom } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { KeyMark } from "@/components/ui/key";
import { Mark } from "@/components/ui/logo";
import { Note } from "@/components/ui/note";
import { cx } from "@/lib/cx";
import { headingPath } from "@/lib/heading";
import { useWords } from "@/lib/words";
import { withSources } from "./clipboard";
import { withoutIntroduction } from "./extract";
import { plainAnswer } from "./keys";
import { Markdown } from "./markdown";
import type { Message } from "./queries";
import { SourceList } from "./source-list";
import { type Citation, groupByDocument, SourcesContext } from "./sources";
import { useCopy } from "./use-copy";
import { chatWords } from "./words";

interface AnswerProps {
  /** While it is written, with what has come so far. */
  message: Message;
  /** The number whose passage is open in the panel. */
  current: number | undefined;
  onOpen: (message: string, number: number) => void;
  onAgain: ((message: Message) => void) | undefined;
}

/** An answer on the bare surface: who speaks, what was read, the text, its sources, what can be done with it. */
export const Answer = memo(function Answer({ message, current, onOpen, onAgain }: AnswerProps) {
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
  const problem = problemFrom(message.problem?.status ?? 500, message.problem);
  const again = onAgain && <Button small onClick={() => onAgain(message)}>{words.again}</Button>;
  return (
    <SourcesContext value={sources}>
      <article aria-label={words.answer} aria-busy={writing || undefined}>
        <AnswerHead citations={citations} />
        {quoted && message.content && (
          <Note className="mb-3.5 text-s">
            <strong>{words.noModel}</strong> <span className="text-muted">{words.noModelWhy}</span>
          </Note>
        )}
        {(text || writing) && <Markdown text={text} known={known} writing={writing} quotes={quoted} />}
        {message.state === "failed" && (
          <div className="mt-3.5">
            <ErrorPanel
              title={words.failed}
              error={problem}
              {...(onAgain ? { retry: () => onAgain(message) } : {})}
            />
          </div>
        )}
        {message.state === "interrupted" && <Note kind="care" className="mt-3.5" action={again}>{words.interrupted}</Note>}
        {message.state === "stopped" && <p className="mt-3.5 text-s text-muted">{words.stopped}</p>}
        {!writing && citations.length > 0 && <SourceList citations={citations} />}
        {!writing && text && <Actions message={message} text={text} citations={citations} onAgain={onAgain} />}
      </article>
    </SourcesContext>
  );
});

function AnswerHead({ citations }: { citations: readonly Citation[] }) {
  const words = useWords(chatWords);
  const [open, setOpen] = useState(false);
  const id = useId();
  const documents = groupByDocument(citations).length;
  return (
    <>
      <header className="mb-3 flex min-h-6 min-w-0 items-center gap-2 text-s">
        <Mark className="size-5!" />
        <strong className="whitespace-nowrap">ChatETS</strong>
        {citations.length > 0 && (
          <button
            type="button"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
            className="inline-flex min-w-0 items-center gap-1.25 rounded-s text-muted hover:text-text touch:min-h-11"
          >
            <ChevronRight aria-hidden="true" className={cx("size-3.75 flex-none transition-transform duration-fast rtl:-scale-x-100", open && "rotate-90 rtl:-rotate-90")} />
            <span className="num truncate">{words.read(citations.length, documents)}</span>
          </button>
        )}
      </header>
      {open && (
        <ul id={id} className="mb-3.5 grid gap-1.75 border-s-2 border-line ps-3 text-s text-muted">
          {citations.map((citation) => (
            <li key={citation.number} className="flex min-w-0 items-center gap-2">
              <KeyMark number={citation.number} />
              <span className="truncate">
                <span className="text-text">{citation.document.title}</span>
                {headingPath(citation.heading, citation.document.title) && ` · ${headingPath(citation.heading, citation.document.title)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Actions({ message, text, citations, onAgain }: { message: Message; text: string; citations: readonly Citation[]; onAgain: AnswerProps["onAgain"] }) {
  const words = useWords(chatWords);
  const plain = useCopy();
  const sourced = useCopy();
  return (
    <div className="-ms-1.75 mt-2 flex items-center gap-0.5">
      <IconButton
        icon={plain.copied ? Check : Copy}
        label={plain.copied ? words.copied : words.copy}
        onClick={() => plain.copy(plainAnswer(text, false))}
      />
      {citations.length > 0 && (
        <IconButton
          icon={sourced.copied ? Check : Quote}
          label={sourced.copied ? words.copied : words.copySources}
          onClick={() => sourced.copy(withSources(text, citations, words))}
        />
      )}
      {onAgain && <IconButton icon={RotateCcw} label={words.again} onClick={() => onAgain(message)} />}
    </div>
  );
}

/** A question: a bubble at the end side. */
export function Question({ children }: { children: string }) {
  const words = useWords(chatWords);
  return (
    <div className="flex justify-end">
      <p dir="auto" className="bubble max-w-[82%] rounded-m bg-selected px-4 py-2.5 text-l leading-[1.5] break-words whitespace-pre-wrap">
        <span className="unseen">{words.yourQuestion("")}</span>
        {children}
      </p>
    </div>
  );
}
