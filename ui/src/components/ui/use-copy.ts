import { useEffect, useRef, useState } from "react";
import { useSay } from "./live";
import { copyText } from "@/lib/copy-text";

/** Copies text and shows for two seconds that it did; says the one or the other word aloud. */
export function useCopy(words: { copied: string; copyFailed: string }): { copied: boolean; copy: (text: string) => void } {
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
