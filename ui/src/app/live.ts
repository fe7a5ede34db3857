import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { paths } from "@/api/schema";

/** What to ask again when the server says that something of a kind changed. */
const routesOf: Record<string, readonly (keyof paths)[]> = {
  document: ["/api/documents", "/api/documents/{id}", "/api/documents/{id}/content", "/api/knowledge", "/api/knowledge/{id}", "/api/search"],
  knowledge: ["/api/knowledge", "/api/knowledge/{id}", "/api/knowledge/{id}/access"],
  conversation: ["/api/conversations", "/api/conversations/{id}"],
  shelf: ["/api/conversations", "/api/chat/folders", "/api/shares"],
  draft: ["/api/drafts/{chat}"],
  message: ["/api/conversations", "/api/conversations/{id}"],
  run: ["/api/conversations", "/api/conversations/{id}"],
  person: ["/api/people", "/api/session", "/api/groups"],
  group: ["/api/groups", "/api/people"],
  workspace: ["/api/session"],
  session: ["/api/sessions", "/api/session"],
  job: ["/api/jobs"],
  servers: ["/api/servers", "/api/servers/{id}/health"],
  models: ["/api/models"],
  backup: ["/api/backup/targets", "/api/backup/drills", "/api/alerts"],
};

const gather = 150;
const firstPause = 1_000;
const longestPause = 60_000;

/** Reads one notice; null when it is none. */
export function readNotice(text: unknown): { noun: string; id: string } | null {
  if (typeof text !== "string") return null;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null || !("noun" in found) || typeof found.noun !== "string") return null;
  return { noun: found.noun, id: "id" in found && typeof found.id === "string" ? found.id : "" };
}

/** How long to wait before the attempt: doubling, never in step with other tabs. */
export function pauseBefore(attempt: number, chance: number): number {
  return Math.min(firstPause * 2 ** attempt, longestPause) * (0.5 + chance / 2);
}

/**
 * Keeps the one WebSocket of this tab and asks again what notices name. Nothing
 * depends on it: when it is blocked, pages ask again by themselves while something
 * is in progress. `onLost` is called whenever an attempt or a connection has ended.
 */
export function useNotices(onLost: () => void): void {
  const queries = useQueryClient();
  const lost = useRef(onLost);
  useEffect(() => {
    lost.current = onLost;
  });

  useEffect(() => {
    let socket: WebSocket | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gathering: ReturnType<typeof setTimeout> | undefined;
    let attempt = 0;
    let gap = false;
    let over = false;
    const nouns = new Set<string>();

    function ask() {
      gathering = undefined;
      const routes = new Set<unknown>([...nouns].flatMap((noun) => routesOf[noun] ?? []));
      // "all" says that notices were lost on the way.
      const all = nouns.has("all");
      nouns.clear();
      void queries.invalidateQueries({ predicate: (query) => all || routes.has(query.queryKey[0]) });
    }

    function connect() {
      socket = new WebSocket(new URL("/api/notices", location.href.replace(/^http/, "ws")));
      socket.onopen = () => {
        attempt = 0;
        // What was said meanwhile was not heard.
        if (gap) void queries.invalidateQueries();
        gap = true;
      };
      socket.onmessage = (event: MessageEvent<unknown>) => {
        const notice = readNotice(event.data);
        if (!notice) return;
        nouns.add(notice.noun);
        gathering ??= setTimeout(ask, gather);
      };
      socket.onclose = () => {
        if (over) return;
        // Each time, not only at the break: a server that is stopping still answers the
        // first question after it, and where sockets are blocked this is all that
        // notices a server that is gone.
        lost.current();
        timer = setTimeout(connect, pauseBefore(attempt++, Math.random()));
      };
    }

    // After the first paint: the page's own questions come first.
    timer = setTimeout(connect, 300);
    const wake = () => {
      if (document.visibilityState !== "visible" || socket?.readyState !== WebSocket.CLOSED) return;
      clearTimeout(timer);
      attempt = 0;
      connect();
    };
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    return () => {
      over = true;
      clearTimeout(timer);
      clearTimeout(gathering);
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
      socket?.close();
    };
  }, [queries]);
}
