import { useEffect, useRef, useState } from "react";
import { useSay } from "@/components/ui/live";
import { copyText } from "@/lib/copy-text";
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
    copyText(text).then(
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
