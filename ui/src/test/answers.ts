import type { Schema } from "@/api/types";

/** A citation as the server gives one; a test changes what it is about. */
export function aCitation(number: number, change: Partial<Schema<"Citation">> = {}): Schema<"Citation"> {
  return {
    number,
    document: { id: `doc${number}`, title: `Document ${number}` },
    knowledge: "k1",
    version: 1,
    page: 0,
    heading: "Chapter\nSection",
    start: number * 100,
    end: number * 100 + 20,
    text: `Words of passage ${number}.`,
    ...change,
  };
}

/** A conversation's row. */
export function aConversation(change: Partial<Schema<"Conversation">> = {}): Schema<"Conversation"> {
  const now = new Date().toISOString();
  return { id: "c1", title: "Brake thermal efficiency", knowledge: [], model: "", running: false, createdAt: now, updatedAt: now, ...change };
}

/** An answer that is finished. */
export function anAnswer(change: Partial<Schema<"Message">> = {}): Schema<"Message"> {
  return {
    id: "m2",
    versions: { index: 1, ids: [change.id ?? "m2"] },
    conversation: "c1",
    parent: "m1",
    role: "assistant",
    content: "No model is connected:\n\n- Efficiency is 41 % at 75 % load. [1]\n- It falls below half load. [2]",
    kind: "extractive",
    state: "done",
    citations: [aCitation(1), aCitation(2)],
    run: "r1",
    createdAt: new Date().toISOString(),
    ...change,
  };
}

/** The question it answers. */
export function aQuestion(change: Partial<Schema<"Message">> = {}): Schema<"Message"> {
  return { ...anAnswer(), id: "m1", versions: { index: 1, ids: [change.id ?? "m1"] }, parent: "", role: "user", content: "How efficient is G2?", kind: "question", citations: [], run: "", ...change };
}

/** An answer that a model wrote, after it thought. */
export function aGenerated(change: Partial<Schema<"Message">> = {}): Schema<"Message"> {
  return anAnswer({
    kind: "generated",
    model: "mistral-small",
    content: "Efficiency is **41 %** at 75 % load [1].",
    citations: [aCitation(1)],
    thinking: "The handbook names the lower heating value.",
    thinkingMs: 6_200,
    usage: { promptTokens: 2_048, outputTokens: 412, tokensPerSecond: 30.7, firstTokenMs: 1_400, totalMs: 14_000 },
    context: { limit: 32_768, used: 2_100, counted: 2_048, droppedTurns: 0, droppedPassages: 0 },
    ...change,
  });
}

/** A model as the person may choose it. */
export function aModel(name: string, change: Partial<Schema<"Model">> = {}): Schema<"Model"> {
  return {
    id: `id of ${name}`,
    name,
    label: name,
    aliases: [],
    kind: "chat",
    capabilities: { vision: false, thinking: false, tools: false },
    context: 32_768,
    parameters: "",
    quantization: "",
    loaded: true,
    available: true,
    default: false,
    tokensPerSecond: 0,
    ...change,
  };
}

export interface RunEventText {
  id: number;
  text: string;
}

/** The events of a run that writes an answer word by word. */
export function eventsOf(answer: Schema<"Message">): RunEventText[] {
  const words = answer.content.match(/\S+\s*/g) ?? [];
  const steps: [string, unknown][] = [
    ["phase", { phase: "queued", run: answer.run, conversation: answer.conversation, question: answer.parent, answer: answer.id }],
    ["phase", { phase: "searching" }],
    ["citations", answer.citations],
    ...(answer.thinking ? ([["phase", { phase: "thinking" }], ["thinking", { text: answer.thinking }]] as [string, unknown][]) : []),
    ["phase", { phase: "writing" }],
    ...words.map((word): [string, unknown] => ["delta", { text: word }]),
    ["done", answer],
  ];
  return steps.map(([name, data], i) => ({ id: i + 1, text: `id: ${i + 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n` }));
}

/** A stream that a test writes itself, to stop where it wants. */
export function aStream() {
  const encoder = new TextEncoder();
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      sink = controller;
    },
  });
  return {
    body,
    send: (...events: RunEventText[]) => {
      for (const event of events) sink?.enqueue(encoder.encode(event.text));
    },
    close: () => sink?.close(),
    drop: () => sink?.error(new TypeError("network error")),
  };
}
