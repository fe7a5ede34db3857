import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import { api } from "@/api/client";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useToast } from "@/components/ui/toast";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { type Message, putMessages } from "./queries";
import { shelfWords } from "./shelf-words";

const reasons = {
  up: ["correct", "complete", "clear", "well-sourced", "other"],
  down: ["wrong", "incomplete", "unclear", "wrong-source", "outdated", "slow", "other"],
} as const;

interface OpinionFormProps {
  message: Message;
  rating: "up" | "down";
  onClose: () => void;
}

/** Under an answer that is being rated: the thumb is kept at once, why and a comment when they are sent. */
export default function OpinionForm({ message, rating, onClose }: OpinionFormProps) {
  const words = useWords(shelfWords);
  const queries = useQueryClient();
  const toast = useToast();
  const title = useId();
  const same = message.feedback?.rating === rating ? message.feedback : undefined;
  const [chosen, setChosen] = useState<readonly string[]>(same?.reasons ?? []);
  const [comment, setComment] = useState(same?.comment ?? "");
  const heading = useRef<HTMLHeadingElement>(null);
  const path = { path: { id: message.id } };
  const show = (feedback: Message["feedback"]) => {
    const { feedback: _before, ...rest } = message;
    putMessages(queries, message.conversation, [feedback ? { ...rest, feedback } : rest]);
  };
  const save = useMutation({
    mutationFn: async ({ all }: { all: boolean }) => {
      const feedback = { rating, reasons: all ? [...chosen] : [...(same?.reasons ?? [])], comment: all ? comment : (same?.comment ?? "") };
      await api.PUT("/api/messages/{id}/feedback", { params: path, body: feedback });
      return feedback;
    },
    onSuccess: (feedback, { all }) => {
      show(feedback);
      if (!all) return;
      toast(words.rated);
      onClose();
    },
  });
  const takeBack = useMutation({
    mutationFn: () => api.DELETE("/api/messages/{id}/feedback", { params: path }),
    onSuccess: () => {
      show(undefined);
      toast(words.unrated);
      onClose();
    },
  });
  const first = useRef(save.mutate);
  useEffect(() => {
    first.current({ all: false });
    heading.current?.focus();
    heading.current?.scrollIntoView?.({ block: "nearest" });
  }, []);
  const error = save.error ?? takeBack.error;
  return (
    <form
      aria-labelledby={title}
      className="mt-2 max-w-[34rem] rounded-m bg-raised px-4 py-3.5 card-edge"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({ all: true });
      }}
    >
      <h3 ref={heading} id={title} tabIndex={-1} className="font-medium outline-none">{words.why[rating]}</h3>
      <div role="group" aria-labelledby={title} className="mt-2.5 flex flex-wrap gap-1.5">
        {reasons[rating].map((reason) => {
          const on = chosen.includes(reason);
          return (
            <button
              key={reason}
              type="button"
              aria-pressed={on}
              onClick={() => setChosen(on ? chosen.filter((other) => other !== reason) : [...chosen, reason])}
              className={cx("min-h-8 rounded-full px-3 text-s ring-edge transition-[background] duration-fast touch:min-h-11", on ? "bg-accent-soft font-medium text-accent-text" : "hover:bg-hover")}
            >
              {words.reasons[reason]}
            </button>
          );
        })}
      </div>
      <label className="mt-3 block text-s">
        <span className="mb-1.5 block font-medium">{words.comment}</span>
        <textarea
          rows={2}
          maxLength={2000}
          dir="auto"
          value={comment}
          onChange={(event) => setComment(event.target.value)}
          className="block w-full resize-y rounded-s bg-surface px-2.75 py-2 ring-edge outline-none focus:outline-2 focus:-outline-offset-1 focus:outline-focus"
        />
      </label>
      <p className="mt-1.5 text-xs text-muted">{words.commentHelp}</p>
      {error ? <ErrorPanel title={words.rateFailed} error={error} /> : null}
      <div className="mt-3 flex flex-wrap justify-end gap-2">
        {message.feedback && <Button small kind="quiet" busy={takeBack.isPending} onClick={() => takeBack.mutate()}>{words.unrate}</Button>}
        <Button small onClick={onClose}>{words.cancel}</Button>
        <Button small kind="primary" type="submit" busy={save.isPending && save.variables.all}>{words.rate}</Button>
      </div>
    </form>
  );
}
