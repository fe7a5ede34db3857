import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { KeyMark } from "@/components/ui/key";
import { Mark } from "@/components/ui/logo";
import { cx } from "@/lib/cx";
import { headingPath } from "@/lib/heading";
import { useLanguage, useWords } from "@/lib/words";
import { Markdown } from "./markdown";
import { useModels } from "./models";
import type { Message } from "./queries";
import { type Citation, groupByDocument } from "./sources";
import { chatWords } from "./words";

const nothing: ReadonlySet<number> = new Set();

/** Who speaks, and one disclosure with what was searched, read and thought. */
export function AnswerHead({ message }: { message: Message }) {
  const words = useWords(chatWords);
  const models = useModels();
  const [open, setOpen] = useState(false);
  const id = useId();
  const { citations, thinking, query } = message;
  const line = useLine(message);
  return (
    <>
      <header className="mb-3 flex min-h-6 min-w-0 items-center gap-2 text-s">
        <Mark className="size-5!" />
        <strong className="max-w-[55%] flex-none truncate">{message.kind === "generated" && message.model ? models.label(message.model) : "ChatETS"}</strong>
        {line && (
          <button
            type="button"
            aria-expanded={open}
            aria-controls={open ? id : undefined}
            onClick={() => setOpen(!open)}
            className="inline-flex min-w-0 items-center gap-1.25 rounded-s text-muted hover:text-text touch:min-h-11"
          >
            <ChevronRight aria-hidden="true" className={cx("size-3.75 flex-none transition-transform duration-fast rtl:-scale-x-100", open && "rotate-90 rtl:-rotate-90")} />
            <span className="num truncate">{line}</span>
          </button>
        )}
      </header>
      {open && (
        <div id={id} className="mb-3.5 grid gap-2.5 border-s-2 border-line ps-3 text-s text-muted">
          {query && <p className="break-words">{words.searchedFor(query)}</p>}
          {citations.length > 0 && <Read citations={citations} />}
          {thinking && (
            <div role="group" aria-label={words.thoughts}>
              <Markdown text={thinking} known={nothing} writing={message.state === "writing" && !message.content} thought />
            </div>
          )}
        </div>
      )}
    </>
  );
}

/** "Read 4 passages in 3 documents, thought for 6 s": as much of it as is true. */
function useLine({ citations, thinking, thinkingMs, query, content, state }: Message): string {
  const words = useWords(chatWords);
  const language = useLanguage();
  const read = citations.length > 0 ? words.read(citations.length, groupByDocument(citations).length) : "";
  let thought = "";
  if (thinking) {
    const thinkingNow = state === "writing" && !content;
    const ms = thinkingMs ?? 0;
    const seconds = new Intl.NumberFormat(language, { maximumFractionDigits: ms < 10_000 ? 1 : 0 }).format(ms / 1000);
    thought = thinkingNow ? words.thinking : ms > 0 ? words.thoughtFor(seconds) : words.thought;
  }
  if (read && thought) return words.readAndThought(read, thought);
  return read || thought || (query ? words.searchedFor(query) : "");
}

function Read({ citations }: { citations: readonly Citation[] }) {
  return (
    <ul className="grid gap-1.75">
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
  );
}
