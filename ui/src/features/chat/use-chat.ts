import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api } from "@/api/client";
import { type ApiProblem } from "@/api/problem";
import { key } from "@/api/query";
import { useSay } from "@/components/ui/live";
import { useWords } from "@/lib/words";
import { useAct, useAsk } from "./ask";
import { type Message, messagesOf, putMessages, putRow, transcriptQuery } from "./queries";
import type { Stream } from "./stream";
import { useRun } from "./use-run";
import { chatWords } from "./words";

/** Everything a chat's page shows and does: what is stored, with the answer that is being written laid over it. */
export function useChat(id: string) {
  const queries = useQueryClient();
  const query = useInfiniteQuery(transcriptQuery(id));
  const words = useWords(chatWords);
  const say = useSay();
  // A run the server does not know any more writes nothing, whatever its message says.
  const [lost, setLost] = useState<string>();
  const stored = useMemo(() => messagesOf(query.data).map((message) => (message.run && message.run === lost && message.state === "writing" ? interrupted(message) : message)), [query.data, lost]);
  const writing = stored.findLast((message) => message.state === "writing" && message.run);
  const ask = useAsk(id);
  const act = useAct(id);
  const stop = useMutation({
    mutationFn: async (run: string) => {
      await api.POST("/api/runs/{id}/stop", { params: { path: { id: run } } });
    },
  });

  const running = useRun(writing?.run, (stream, refused) => {
    if (writing) putMessages(queries, id, [ended(writing, stream, refused)]);
    if (refused) setLost(writing?.run);
    say(refused || stream.phase === "failed" || stream.phase === "interrupted" ? words.answerFailed : stream.phase === "stopped" ? words.answerStopped : words.answerFinished);
    putRow(queries, id, (row) => ({ ...row, running: false }));
    void queries.invalidateQueries({ queryKey: key("/api/conversations") });
    void queries.invalidateQueries({ queryKey: key("/api/conversations/{id}", id) });
    void queries.invalidateQueries({ queryKey: key("/api/context", id) });
  });
  useEffect(() => {
    if (writing?.run) say(words.answerStarted);
  }, [writing?.run, say, words]);

  const { stream } = running;
  const messages = useMemo(() => stored.map((message) => (message.id === writing?.id ? overlaid(message, stream) : message)), [stored, writing?.id, stream]);
  return { query, messages, writing, running, ask, act, stop };
}

/** A message with what the stream has brought so far. */
function overlaid(message: Message, stream: Stream): Message {
  return {
    ...message,
    content: stream.text || message.content,
    thinking: stream.thinking || (message.thinking ?? ""),
    query: stream.query || (message.query ?? ""),
    citations: stream.citations.length > 0 ? [...stream.citations] : message.citations,
  };
}

/** The message a run left behind: its own last word, or what had come when it broke. */
function ended(message: Message, stream: Stream, refused: ApiProblem | undefined): Message {
  if (stream.message) {
    // A run knows its own message only: which versions there are was read with the chat.
    return { ...message, ...stream.message, conversation: message.conversation, versions: message.versions };
  }
  const problem = stream.problem ?? refused;
  if (!problem || refused) return interrupted(overlaid(message, stream));
  const { status, detail, code, cure, request } = problem;
  return { ...overlaid(message, stream), state: "failed", problem: { type: "about:blank", title: detail, status, detail, code, cure, request } };
}

function interrupted(message: Message): Message {
  return { ...message, state: "interrupted" };
}
