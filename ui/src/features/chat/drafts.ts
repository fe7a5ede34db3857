import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, body } from "@/api/client";
import { key, useSession } from "@/api/query";
import type { DraftSync } from "./draft-sync";

/**
 * What was typed and not sent, by person and chat: in the page while it lives, and on the server. Never in the
 * browser's storage: a browser in a hospital is shared, and a question can hold a name.
 */
const drafts = new Map<string, string>();

function draftQuery(chat: string) {
  return queryOptions({
    queryKey: key("/api/drafts/{chat}", chat),
    queryFn: ({ signal }) => body(api.GET("/api/drafts/{chat}", { params: { path: { chat } }, signal })),
    staleTime: 5_000,
    gcTime: 0,
    retry: false,
  });
}

export function useDraft(chat: string): [string, (text: string) => void] {
  const { person } = useSession();
  const key = `${person.id} ${chat}`;
  const [shown, setShown] = useState({ key, text: drafts.get(key) ?? "" });
  const text = shown.key === key ? shown.text : (drafts.get(key) ?? "");
  const put = (next: string) => {
    if (next) drafts.set(key, next);
    else drafts.delete(key);
    setShown({ key, text: next });
  };
  const server = useQuery(draftQuery(chat)).data;
  const sync = useRef<DraftSync>(undefined);
  const [ready, setReady] = useState<DraftSync>();
  useEffect(() => {
    let over = false;
    const own = `${person.id} ${chat}`;
    void import("./draft-sync").then(({ syncDraft }) => {
      if (over) return;
      sync.current = syncDraft(
        chat,
        () => drafts.get(own) ?? "",
        (next) => {
          if (next) drafts.set(own, next);
          else drafts.delete(own);
          setShown({ key: own, text: next });
        },
      );
      setReady(sync.current);
    }, () => undefined);
    return () => {
      over = true;
      sync.current?.close();
      sync.current = undefined;
    };
  }, [chat, person.id]);
  useEffect(() => {
    if (server) ready?.arrived(server);
  }, [server, ready]);
  const change = (next: string) => {
    put(next);
    sync.current?.typed();
  };
  return [text, change];
}
