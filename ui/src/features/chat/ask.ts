import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { type Conversation, type Message, putConversation, putMessages, putRow } from "./queries";

export interface Question {
  message: string;
  knowledge: readonly string[];
}

type Answered = Schema<"Accepted"> | Schema<"Exchange">;

/** Asks for the run's number at once; the answer itself is followed as a stream. */
const headers = { Prefer: "respond-async" };

/** Begins a chat with its first question. */
export function useBegin(onBegun: (conversation: string) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ message, knowledge }: Question) =>
      body(api.POST("/api/conversations", { headers, body: { message, knowledge: [...knowledge] } })),
    onSuccess: (answered, question) => {
      const conversation = conversationOf(answered, question);
      putConversation(queries, conversation, exchangeOf(answered, question));
      onBegun(conversation.id);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/conversations") }),
  });
}

/** Asks the next question of a chat. */
export function useAsk(conversation: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ message, knowledge }: Question) =>
      body(
        api.POST("/api/conversations/{id}/messages", {
          headers,
          params: { path: { id: conversation } },
          body: { message, knowledge: [...knowledge] },
        }),
      ),
    onSuccess: (answered, question) => {
      putMessages(queries, conversation, exchangeOf(answered, question));
      putRow(queries, conversation, (row) => ({ ...row, running: "run" in answered }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/conversations") }),
  });
}

/** What the page shows until the server's own row comes. */
function conversationOf(answered: Answered, { message, knowledge }: Question): Conversation {
  if ("title" in answered.conversation) return answered.conversation;
  const now = new Date().toISOString();
  const line = message.trim().split("\n")[0] ?? "";
  const title = line.length > 80 ? `${Array.from(line).slice(0, 79).join("")}…` : line;
  return { id: answered.conversation.id, title, knowledge: [...knowledge], model: "", running: true, createdAt: now, updatedAt: now };
}

function exchangeOf(answered: Answered, { message }: Question): Message[] {
  if ("content" in answered.question) return "content" in answered.answer ? [answered.question, answered.answer] : [answered.question];
  const shared = { conversation: answered.conversation.id, citations: [], createdAt: new Date().toISOString() };
  const question = answered.question.id;
  return [
    { ...shared, id: question, parent: "", role: "user", content: message, kind: "question", state: "done" },
    { ...shared, id: answered.answer.id, parent: question, role: "assistant", content: "", kind: "extractive", state: "writing", ...("run" in answered ? { run: answered.run.id } : {}) },
  ];
}
