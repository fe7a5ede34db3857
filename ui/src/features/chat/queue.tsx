import { Clock, X } from "lucide-react";
import { useEffect } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { useSay } from "@/components/ui/live";
import { useWords } from "@/lib/words";
import { shelfWords } from "./shelf-words";

/** Over the composer: what is sent when the answer above has ended. */
export default function Queue({ texts, onTake }: { texts: readonly string[]; onTake: (at: number) => void }) {
  const words = useWords(shelfWords);
  const say = useSay();
  useEffect(() => say(words.queued), [texts.length, say, words]);
  return (
    <ul aria-label={words.queued} className="mb-2 grid gap-1">
      {texts.map((text, i) => (
        <li key={i} title={words.queued} className="flex items-center gap-2 rounded-s bg-sunken ps-3 pe-1 text-s">
          <Clock aria-hidden="true" className="size-4 flex-none text-muted" />
          <span dir="auto" className="min-w-0 flex-1 truncate">{text}</span>
          <IconButton small icon={X} label={words.unqueue(text.slice(0, 40))} onClick={() => onTake(i)} />
        </li>
      ))}
    </ul>
  );
}
