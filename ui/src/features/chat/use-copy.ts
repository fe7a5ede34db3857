import { useEffect, useRef, useState } from "react";
import { useSay } from "@/components/ui/live";
import { useWords } from "@/lib/words";
import { chatWords } from "./words";

/** Copies text and shows for two seconds that it did. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const words = useWords(chatWords);
  const say = useSay();
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = (text: string) => {
    write(text).then(
      () => {
        setCopied(true);
        say(words.copied);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setCopied(false), 2_000);
      },
      () => say(words.copyFailed),
    );
  };
  return { copied, copy };
}

async function write(text: string): Promise<void> {
  // The clipboard needs a secure page; over plain HTTP in a house network the old way still works.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  if (clipboard) return clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copying was refused");
}
