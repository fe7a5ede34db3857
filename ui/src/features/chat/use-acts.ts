import { useEffect, useMemo, useRef } from "react";
import { useSay } from "@/components/ui/live";
import { useWords } from "@/lib/words";
import type { Acts } from "./answer-acts";
import type { Models } from "./models";
import type { useChat } from "./use-chat";
import { chatWords } from "./words";

interface Given extends Pick<ReturnType<typeof useChat>, "messages" | "ask" | "act"> {
  models: Models;
  /** What was chosen on the page for the next question; undefined keeps what there was. */
  knowledge: readonly string[] | undefined;
  model: string | undefined;
  writer: string;
  busy: boolean;
  toLatest: () => void;
  /** The other words of a question were refused: they are given back. */
  onRefused: (editing: { question: string; text: string }) => void;
}

/** What can be done to the messages; the same object until that changes, so finished answers are not drawn anew. */
export function useActs({ messages, ask, act, models, knowledge, model, writer, busy, toLatest, onRefused }: Given): Acts | undefined {
  const words = useWords(chatWords);
  const say = useSay();
  const all: Acts = {
    again: (answer, other) => {
      ask.reset();
      act.mutate({ kind: "again", answer, ...(other ? { model: other } : {}), writer: models.answering(other ?? answer.model ?? "")?.name ?? "" });
      toLatest();
    },
    goOn: (answer) => {
      ask.reset();
      act.mutate({ kind: "goOn", answer });
      toLatest();
    },
    show: (id) => {
      const versions = messages.find((message) => message.versions.ids.includes(id))?.versions.ids ?? [];
      act.mutate({ kind: "show", message: id }, { onSuccess: () => say(words.version(versions.indexOf(id) + 1, versions.length)) });
    },
    edit: (question, message) => {
      ask.reset();
      act.mutate({ kind: "edit", question, message, knowledge, model, writer }, { onError: () => onRefused({ question: question.id, text: message }) });
      toLatest();
    },
  };
  const latest = useRef(all);
  useEffect(() => {
    latest.current = all;
  });
  return useMemo(
    () =>
      busy
        ? undefined
        : {
            again: (answer, other) => latest.current.again(answer, other),
            goOn: (answer) => latest.current.goOn(answer),
            show: (id) => latest.current.show(id),
            edit: (question, text) => latest.current.edit(question, text),
          },
    [busy],
  );
}
