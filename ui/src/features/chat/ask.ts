import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { type Conversation, type Message, putConversation, putMessages, putRow } from "./queries";

export interface Question {
  message: string;
  knowledge: readonly string[];
}

type Answered = Schema<"Accepted"> | Schema<"Exchange">;

/** The third form of the answer is a stream, which nobody asked for here. */
async function answered(answer: Promise<{ data?: Answered | string }>): Promise<Answered> {
  const data = await body(answer);
  if (typeof data === "string") throw new ApiProblem({ status: 502, code: "stream", detail: "" });
  return data;
}

/** Asks for the run's number at once; the answer itself is followed as a stream. */
const headers = { Prefer: "respond-async" };

/** Begins a chat with its first question. */
export function useBegin(onBegun: (conversation: string) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ message, knowledge }: Question) =>
      answered(api.POST("/api/conversations", { headers, body: { message, knowledge: [...knowledge] } })),
    onSuccess: (answer, question) => {
      const conversation = conversationOf(answer, question);
      putConversation(queries, conversation, exchangeOf(answer, question));
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
      answered(
        api.POST("/api/conversations/{id}/messages", {
          headers,
          params: { path: { id: conversation } },
          body: { message, knowledge: [...knowledge] },
        }),
      ),
    onSuccess: (answer, question) => {
      putMessages(queries, conversation, exchangeOf(answer, question));
      putRow(queries, conversation, (row) => ({ ...row, running: "run" in answer }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/conversations") }),
  });
}

/** What the page shows until the server's own row comes. */
function conversationOf(taken: Answered, { message, knowledge }: Question): Conversation {
  if ("title" in taken.conversation) return taken.conversation;
  const now = new Date().toISOString();
  const line = message.trim().split("\n")[0] ?? "";
  const title = line.length > 80 ? `${Array.from(line).slice(0, 79).join("")}…` : line;
  return { id: taken.conversation.id, title, knowledge: [...knowledge], model: "", running: true, createdAt: now, updatedAt: now };
}

function exchangeOf(taken: Answered, { message }: Question): Message[] {
  if ("content" in taken.question) return "content" in taken.answer ? [taken.question, taken.answer] : [taken.question];
  const shared = { conversation: taken.conversation.id, citations: [], createdAt: new Date().toISOString() };
  const question = taken.question.id;
  return [
    { ...shared, id: question, parent: "", role: "user", content: message, kind: "question", state: "done" },
    { ...shared, id: taken.answer.id, parent: question, role: "assistant", content: "", kind: "extractive", state: "writing", ...("run" in taken ? { run: taken.run.id } : {}) },
  ];
}
