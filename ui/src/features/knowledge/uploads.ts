import { useSyncExternalStore } from "react";
import { refusalFrom, writeHeaders } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { folderOf } from "./dropped";

/** One file on its way to the server, or refused on it. */
export interface Upload {
  id: number;
  knowledge: string;
  name: string;
  size: number;
  sent: number;
  state: "waiting" | "sending" | "done" | "refused";
  /** Why it was refused; "empty" and "unreadable" are the page's own reasons. */
  problem?: ApiProblem;
}

/** How one file is sent: XMLHttpRequest, because fetch does not tell how much was sent. */
export type Send = (file: File, knowledge: string, told: (sent: number) => void, signal: AbortSignal) => Promise<void>;

interface Entry {
  upload: Upload;
  file: File;
  end: AbortController;
}

/** Two at a time: the third would only wait in the browser's own queue. */
const together = 2;

/**
 * The uploads of this page. They go on while the person walks through the application, and no file's end
 * touches another one.
 */
export class Uploads {
  private entries: readonly Entry[] = [];
  private shown: readonly Upload[] = [];
  private readonly listeners = new Set<() => void>();
  private next = 1;
  /** Called after a file was taken, so that lists ask again. */
  onTaken: (upload: Upload) => void = () => undefined;
  /** Called when nothing of a base is on its way any more, with what became of its files. */
  onSettled: (uploads: readonly Upload[]) => void = () => undefined;

  constructor(private readonly send: Send) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly list = (): readonly Upload[] => this.shown;

  add(knowledge: string, files: readonly File[]): void {
    const added = files.map((file): Entry => {
      const upload: Upload = { id: this.next++, knowledge, name: file.name, size: file.size, sent: 0, state: "waiting" };
      if (file.size === 0) return { file, end: new AbortController(), upload: { ...upload, state: "refused", problem: own("empty") } };
      return { file, end: new AbortController(), upload };
    });
    this.set([...this.entries, ...added]);
    this.pump();
  }

  /** Stops a file that is on its way, or forgets one that was refused. */
  remove(id: number): void {
    this.entries.find((entry) => entry.upload.id === id)?.end.abort();
    this.set(this.entries.filter((entry) => entry.upload.id !== id));
    this.pump();
  }

  /** Forgets what is over and stops the rest, for one knowledge base. */
  clear(knowledge: string): void {
    for (const { upload, end } of this.entries) if (upload.knowledge === knowledge) end.abort();
    this.set(this.entries.filter((entry) => entry.upload.knowledge !== knowledge));
    this.pump();
  }

  again(id: number): void {
    const entry = this.entries.find((e) => e.upload.id === id);
    if (entry?.upload.state !== "refused") return;
    const { problem: _, ...upload } = entry.upload;
    this.put(id, { ...entry, end: new AbortController(), upload: { ...upload, sent: 0, state: "waiting" } });
    this.pump();
  }

  private pump(): void {
    const sending = this.entries.filter((entry) => entry.upload.state === "sending").length;
    const waiting = this.entries.filter((entry) => entry.upload.state === "waiting");
    for (const entry of waiting.slice(0, Math.max(0, together - sending))) void this.run(entry);
  }

  private async run({ upload: { id, knowledge }, file, end }: Entry): Promise<void> {
    const change = (upload: Partial<Upload>) => {
      const entry = this.entries.find((e) => e.upload.id === id);
      if (entry && entry.end === end) this.put(id, { ...entry, upload: { ...entry.upload, ...upload } });
    };
    change({ state: "sending" });
    try {
      await this.send(file, knowledge, (sent) => change({ sent }), end.signal);
      change({ state: "done", sent: file.size });
      const taken = this.entries.find((entry) => entry.upload.id === id);
      if (taken) this.onTaken(taken.upload);
    } catch (cause) {
      if (end.signal.aborted) return;
      change({ state: "refused", problem: cause instanceof ApiProblem ? cause : own("unreadable") });
    }
    this.settle(knowledge);
    this.pump();
  }

  /** When nothing of a base is on its way any more, what was taken needs no row: the table shows it. */
  private settle(knowledge: string): void {
    const own = this.entries.filter((entry) => entry.upload.knowledge === knowledge);
    if (own.some(({ upload }) => upload.state === "sending" || upload.state === "waiting")) return;
    this.onSettled(own.map((entry) => entry.upload));
    this.set(this.entries.filter(({ upload }) => upload.knowledge !== knowledge || upload.state !== "done"));
  }

  private put(id: number, entry: Entry): void {
    this.set(this.entries.map((e) => (e.upload.id === id ? entry : e)));
  }

  private set(entries: readonly Entry[]): void {
    this.entries = entries;
    this.shown = entries.map((entry) => entry.upload);
    for (const listener of this.listeners) listener();
  }
}

function own(code: "empty" | "unreadable"): ApiProblem {
  return new ApiProblem({ status: -1, code, detail: "" });
}

/** Sends a file as the body of one request. */
export const sendFile: Send = (file, knowledge, told, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const folder = folderOf(file);
    const query = new URLSearchParams({ knowledge, name: file.name, ...(folder ? { folder } : {}) });
    request.open("POST", new URL(`/api/documents?${query.toString()}`, location.origin));
    for (const [name, value] of Object.entries(writeHeaders())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => told(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(refusalFrom(request.status, request.responseText, request.getResponseHeader("X-Request-Id") ?? ""));
    };
    request.onerror = () => reject(new ApiProblem({ status: 0, code: "offline", detail: "" }));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new DOMException("stopped", "AbortError"));
    });
    request.send(file);
  });

/** The uploads of this page; there is one list, whatever page is shown. */
export const uploads = new Uploads(sendFile);

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(uploads.subscribe, uploads.list);
}
