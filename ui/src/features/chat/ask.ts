import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { type Conversation, type Message, putConversation, putMessages, putPath, putRow } from "./queries";

export interface Question {
  message: string;
  /** In no list, and gone with the session. */
  temporary?: boolean;
  knowledge: readonly string[];
  /** The model the person chose; without one the server's rule holds. */
  model?: string | undefined;
  /** Who will answer, as far as the page knows; "" is nobody, then the documents answer. */
  writer: string;
}

/** What can be done to a message that is there. */
export type Act =
  | { kind: "again"; answer: Message; model?: string; writer: string }
  | { kind: "goOn"; answer: Message }
  | { kind: "edit"; question: Message; message: string; knowledge: readonly string[] | undefined; model: string | undefined; writer: string }
  | { kind: "show"; message: string };

type Answered = Schema<"Accepted"> | Schema<"Exchange">;

/** The third form of the answer is a stream, which nobody asked for here. */
async function answered(answer: Promise<{ data?: Answered | string }>): Promise<Answered> {
  const data = await body(answer);
  if (typeof data === "string") throw new ApiProblem({ status: 502, code: "stream", detail: "" });
  return data;
}

/** Asks for the run's number at once; the answer itself is followed as a stream. */
const headers = { Prefer: "respond-async" };

const asked = ({ message, knowledge, model }: { message: string; knowledge: readonly string[] | undefined; model?: string | undefined }) => ({
  message,
  ...(knowledge ? { knowledge: [...knowledge] } : {}),
  ...(model ? { model } : {}),
});

/** Begins a chat with its first question. */
export function useBegin(onBegun: (conversation: string) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (question: Question) => answered(api.POST("/api/conversations", { headers, body: { ...asked(question), ...(question.temporary ? { temporary: true } : {}) } })),
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
    mutationFn: (question: Question) =>
      answered(api.POST("/api/conversations/{id}/messages", { headers, params: { path: { id: conversation } }, body: asked(question) })),
    onSuccess: (answer, question) => {
      putMessages(queries, conversation, exchangeOf(answer, question));
      putRow(queries, conversation, (row) => ({ ...row, running: "run" in answer }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/conversations") }),
  });
}

/** Answers again, goes on, asks in other words, shows another version. */
export function useAct(conversation: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (act: Act): Promise<Answered | undefined> => {
      switch (act.kind) {
        case "again":
          return answered(api.POST("/api/messages/{id}/regenerate", { headers, params: { path: { id: act.answer.id } }, body: act.model ? { model: act.model } : {} }));
        case "goOn":
          return answered(api.POST("/api/messages/{id}/continue", { headers, params: { path: { id: act.answer.id } }, body: {} }));
        case "edit":
          return answered(api.POST("/api/messages/{id}/edit", { headers, params: { path: { id: act.question.id } }, body: asked(act) }));
        case "show":
          await api.PUT("/api/conversations/{id}/leaf", { params: { path: { id: conversation } }, body: { message: act.message } });
          await queries.invalidateQueries({ queryKey: key("/api/conversations/{id}", conversation) });
          return undefined;
      }
    },
    onSuccess: (answer, act) => {
      if (!answer || act.kind === "show") return;
      if (act.kind === "goOn") putMessages(queries, conversation, [wentOn(answer, act.answer)]);
      else if (act.kind === "again") putPath(queries, conversation, act.answer.parent, exchangeOf(answer, act, act.answer).slice(1));
      else putPath(queries, conversation, act.question.parent, exchangeOf(answer, act, act.question));
      putRow(queries, conversation, (row) => ({ ...row, running: "run" in answer }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: key("/api/conversations") }),
  });
}

/** What the page shows until the server's own row comes. */
function conversationOf(taken: Answered, { message, knowledge, model, temporary }: Question): Conversation {
  if ("title" in taken.conversation) return taken.conversation;
  const now = new Date().toISOString();
  const line = message.trim().split("\n")[0] ?? "";
  const title = line.length > 80 ? `${Array.from(line).slice(0, 79).join("")}…` : line;
  return { id: taken.conversation.id, title, knowledge: [...knowledge], model: model ?? "", running: true, createdAt: now, updatedAt: now, ...(temporary ? { expiresAt: now } : {}) };
}

/** Question and answer as they stand now; `other` is the version that one of them is made beside. */
function exchangeOf(taken: Answered, asked: { message?: string; writer: string }, other?: Message): Message[] {
  if ("content" in taken.question) return "content" in taken.answer ? [taken.question, taken.answer] : [taken.question];
  const shared = { conversation: taken.conversation.id, citations: [], createdAt: new Date().toISOString() };
  const question = taken.question.id;
  const answer = taken.answer.id;
  return [
    { ...shared, id: question, parent: other?.role === "user" ? other.parent : "", role: "user", content: asked.message ?? "", kind: "question", state: "done", versions: beside(question, other?.role === "user" ? other : undefined) },
    {
      ...shared,
      id: answer,
      parent: question,
      role: "assistant",
      content: "",
      kind: asked.writer ? "generated" : "extractive",
      model: asked.writer,
      state: "writing",
      versions: beside(answer, other?.role === "assistant" ? other : undefined),
      ...("run" in taken ? { run: taken.run.id } : {}),
    },
  ];
}

function beside(id: string, other: Message | undefined): Message["versions"] {
  const ids = [...(other?.versions.ids ?? []).filter((known) => known !== id), id];
  return { index: ids.length, ids };
}

/** The answer that is gone on with: it keeps its words and is being written again. */
function wentOn(taken: Answered, answer: Message): Message {
  if ("content" in taken.answer) return taken.answer;
  const { problem: _problem, usage: _usage, context: _context, ...kept } = answer;
  return { ...kept, state: "writing", truncated: false, unsupported: false, ...("run" in taken ? { run: taken.run.id } : {}) };
}
