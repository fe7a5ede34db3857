import { useState } from "react";
import { useSession } from "@/api/query";

/**
 * What was typed and not sent, by person and chat. It lives as long as the page and nowhere else: a browser
 * in a hospital is shared, and a question can hold a name.
 */
const drafts = new Map<string, string>();

export function useDraft(chat: string): [string, (text: string) => void] {
  const { person } = useSession();
  const key = `${person.id} ${chat}`;
  const [shown, setShown] = useState({ key, text: drafts.get(key) ?? "" });
  const text = shown.key === key ? shown.text : (drafts.get(key) ?? "");
  const change = (next: string) => {
    if (next) drafts.set(key, next);
    else drafts.delete(key);
    setShown({ key, text: next });
  };
  return [text, change];
}
