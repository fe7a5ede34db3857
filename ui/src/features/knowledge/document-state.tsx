import { Check, Clock, X } from "lucide-react";
import { Pill } from "@/components/ui/pill";
import { useLanguage, useWords } from "@/lib/words";
import type { Document } from "./queries";
import { knowledgeWords } from "./words";

/** How far a document is, as an icon and words; the percent only where the server counts. */
export function DocumentState({ document: { state, progress } }: { document: Document }) {
  const words = useWords(knowledgeWords);
  const language = useLanguage();
  const word = words.states[state];
  switch (state) {
    case "ready":
      return <Pill kind="ok" icon={Check}>{word}</Pill>;
    case "failed":
      return <Pill kind="bad" icon={X}>{word}</Pill>;
    case "waiting":
      return <Pill icon={Clock}>{word}</Pill>;
    default: {
      if (!progress || progress.total <= 0) return <Pill kind="live">{word}</Pill>;
      const percent = new Intl.NumberFormat(language, { style: "percent" }).format(Math.min(1, progress.done / progress.total));
      return <Pill kind="live"><span className="num">{words.progress(word, percent)}</span></Pill>;
    }
  }
}
