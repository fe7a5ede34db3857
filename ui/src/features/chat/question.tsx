import { Pencil } from "lucide-react";
import { lazy, memo, type ReactNode, Suspense } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { useWords } from "@/lib/words";
import { type Acts, MoreButton, Versions } from "./answer-acts";
import type { Room } from "./models";
import type { Message } from "./queries";
import { chatWords } from "./words";

const QuestionEditor = lazy(() => import("./question-editor").then((module) => ({ default: module.QuestionEditor })));

/** Unseen until the message is pointed at. */
const shy = "opacity-0 transition-opacity duration-fast group-focus-within:opacity-100 group-hover:opacity-100 aria-expanded:opacity-100 touch:opacity-100";

/** A question: a bubble at the end side. */
export function Bubble({ children, beside }: { children: string; beside?: ReactNode }) {
  const words = useWords(chatWords);
  return (
    <div className="flex items-center justify-end gap-1">
      {beside}
      <p dir="auto" className="bubble max-w-[82%] min-w-0 rounded-m bg-selected px-4 py-2.5 text-l leading-[1.5] break-words whitespace-pre-wrap">
        <span className="unseen">{words.yourQuestion("")}</span>
        {children}
      </p>
    </div>
  );
}

interface QuestionProps {
  message: Message;
  editing: boolean;
  /** What was written already in other words and refused. */
  draft: string | undefined;
  /** The other words that are being sent. */
  sent: string | undefined;
  room: Room | undefined;
  onEdit: (id: string | undefined) => void;
  /** Undefined while something is written. */
  acts: Acts | undefined;
}

/** A question that was asked: it can be put in other words, and shows which of its versions this is. */
export const Question = memo(function Question({ message, editing, draft, sent, room, onEdit, acts }: QuestionProps) {
  const words = useWords(chatWords);
  if (editing && acts) {
    return (
      <Suspense fallback={<Bubble>{message.content}</Bubble>}>
        <QuestionEditor
          text={draft ?? message.content}
          room={room}
          onCancel={() => onEdit(undefined)}
          onSave={(text) => {
            onEdit(undefined);
            acts.edit(message, text);
          }}
        />
      </Suspense>
    );
  }
  return (
    <div className="group">
      <Bubble
        beside={
          acts && (
            <>
              <MoreButton message={message} className={shy} />
              <IconButton icon={Pencil} label={words.edit} onClick={() => onEdit(message.id)} className={shy} />
            </>
          )
        }
      >
        {sent ?? message.content}
      </Bubble>
      <Versions className="mt-1 justify-end" versions={message.versions} show={acts?.show} />
    </div>
  );
});
