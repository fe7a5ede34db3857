import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api } from "@/api/client";
import { type ApiProblem } from "@/api/problem";
import { key } from "@/api/query";
import { useSay } from "@/components/ui/live";
import { useWords } from "@/lib/words";
import { useAsk } from "./ask";
import { type Message, messagesOf, putMessages, putRow, transcriptQuery } from "./queries";
import type { Stream } from "./stream";
import { useRun } from "./use-run";
import { chatWords } from "./words";

/** Everything a chat's page shows and does: what is stored, with the answer that is being written laid over it. */
export function useChat(id: string) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(transcriptQuery(id));
  const stored = useMemo(() => messagesOf(query.data), [query.data]);
  const writing = stored.findLast((message) => message.state === "writing" && message.run);
  const ask = useAsk(id);
  const stop = useMutation({
    mutationFn: async (run: string) => {
      await api.POST("/api/runs/{id}/stop", { params: { path: { id: run } } });
    },
  });

  const running = useRun(writing?.run, (stream, refused) => {
    if (writing) putMessages(queries, id, [ended(writing, stream, refused)]);
    putRow(queries, id, (row) => ({ ...row, running: false }));
    void queries.invalidateQueries({ queryKey: key("/api/conversations") });
    void queries.invalidateQueries({ queryKey: key("/api/conversations/{id}", id) });
  });
  useAnnounced(writing?.run, running.stream);

  const { stream } = running;
  const messages = useMemo(() => stored.map((message) => (message.id === writing?.id ? overlaid(message, stream) : message)), [stored, writing?.id, stream]);
  return { query, messages, writing, running, ask, stop };
}

/** A message with what the stream has brought so far. */
function overlaid(message: Message, stream: Stream): Message {
  return {
    ...message,
    content: stream.text || message.content,
    citations: stream.citations.length > 0 ? [...stream.citations] : message.citations,
  };
}

/** The message a run left behind: its own last word, or what had come when it broke. */
function ended(message: Message, stream: Stream, refused: ApiProblem | undefined): Message {
  if (stream.message) return { ...message, ...stream.message, conversation: message.conversation };
  const problem = stream.problem ?? refused;
  if (!problem || refused) return { ...overlaid(message, stream), state: "interrupted" };
  const { status, detail, code, cure, request } = problem;
  return { ...overlaid(message, stream), state: "failed", problem: { type: "about:blank", title: detail, status, detail, code, cure, request } };
}

/** Says to a screen reader that an answer began and how it ended, and nothing in between. */
function useAnnounced(run: string | undefined, stream: Stream): void {
  const words = useWords(chatWords);
  const say = useSay();
  const { phase, ended: over } = stream;
  useEffect(() => {
    if (run) say(words.answerStarted);
  }, [run, say, words]);
  useEffect(() => {
    if (!over) return;
    say(phase === "failed" || phase === "interrupted" ? words.answerFailed : phase === "stopped" ? words.answerStopped : words.answerFinished);
  }, [over, phase, say, words]);
}
