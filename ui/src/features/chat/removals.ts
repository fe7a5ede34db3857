import { useSyncExternalStore } from "react";
import { writeHeaders } from "@/api/client";

/**
 * Chats and messages that are being deleted: gone from the list at once, from the server after the time to think again.
 * The list may be unmounted meanwhile (a drawer on a phone), so they are kept beside it.
 */
interface Removal {
  path: string;
  timer: ReturnType<typeof setTimeout>;
}

const removals = new Map<string, Removal>();
const listeners = new Set<() => void>();
const failed = new Map<string, unknown>();
let state: Removals = { gone: new Set(), failed: new Map() };

export interface Removals {
  /** Not to be shown any more. */
  gone: ReadonlySet<string>;
  /** Came back, because the server did not delete them. */
  failed: ReadonlyMap<string, unknown>;
}

function tell(): void {
  state = { gone: new Set(removals.keys()), failed: new Map(failed) };
  for (const listener of listeners) listener();
}

/** A little longer than the toast that offers to undo it. */
const delay = 6_000;

/** Takes a chat, or a message with what follows it, away; `act` deletes it unless `keepChat` comes first. */
export function removeChat(id: string, act: () => Promise<unknown>, path = `/api/conversations/${encodeURIComponent(id)}`): void {
  keepChat(id);
  failed.delete(id);
  const run = () => {
    act()
      .catch((cause: unknown) => failed.set(id, cause))
      .finally(() => {
        removals.delete(id);
        tell();
      });
  };
  removals.set(id, { path, timer: setTimeout(run, delay) });
  tell();
}

/** Undoes it in time. */
export function keepChat(id: string): void {
  clearTimeout(removals.get(id)?.timer);
  if (removals.delete(id)) tell();
}

/** Whether a chat came back, because the server did not delete it. */
export function removalFailed(id: string): boolean {
  return failed.has(id);
}

/** What is being deleted, and what could not be. */
export function useRemovals(): Removals {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

// Whoever closes the page has not undone anything.
if (typeof addEventListener === "function") {
  addEventListener("pagehide", () => {
    for (const { path, timer } of removals.values()) {
      clearTimeout(timer);
      void fetch(path, { method: "DELETE", headers: writeHeaders(), keepalive: true }).catch(() => undefined);
    }
  });
}
