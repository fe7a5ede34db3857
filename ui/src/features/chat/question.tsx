import { Pencil } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { useWords } from "@/lib/words";
import { type Acts, Versions } from "./answer-acts";
import type { Room } from "./models";
import type { Message } from "./queries";
import { chatWords } from "./words";

const QuestionEditor = lazy(() => import("./question-editor").then((module) => ({ default: module.QuestionEditor })));

/** A question: a bubble at the end side. */
export function Bubble({ children }: { children: string }) {
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
  const several = message.versions.ids.length > 1;
  return (
    <div className="group">
      <Bubble>{sent ?? message.content}</Bubble>
      {(acts || several) && (
        // It always has its height, so pointing at a question moves nothing.
        <div className="mt-1 -mb-3 flex min-h-8 items-center justify-end gap-0.5">
          {acts && (
            <IconButton
              icon={Pencil}
              label={words.edit}
              onClick={() => onEdit(message.id)}
              className="opacity-0 transition-opacity duration-fast group-focus-within:opacity-100 group-hover:opacity-100 touch:opacity-100"
            />
          )}
          <Versions versions={message.versions} show={acts?.show} />
        </div>
      )}
    </div>
  );
});
