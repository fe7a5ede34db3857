import { Check, Clock, LockKeyhole, ShieldAlert, ShieldQuestion, X } from "lucide-react";
import { Pill } from "@/components/ui/pill";
import { useLanguage, useWords } from "@/lib/words";
import type { Document } from "./queries";
import { knowledgeWords } from "./words";

/** How far a document is, as an icon and words; the percent only where the server counts. */
export function DocumentState({ document: { state, code, progress } }: { document: Document }) {
  const words = useWords(knowledgeWords);
  const language = useLanguage();
  const word = words.states[state];
  switch (state) {
    case "ready":
      return <Pill kind="ok" icon={Check}>{word}</Pill>;
    case "failed":
      if (code === "file-locked") return <Pill kind="care" icon={LockKeyhole}>{words.locked}</Pill>;
      return <Pill kind="bad" icon={X}>{word}</Pill>;
    case "quarantined":
      return <Pill kind="bad" icon={ShieldAlert}>{word}</Pill>;
    case "waiting":
      if (code === "scan-waiting") return <Pill kind="care" icon={ShieldQuestion}>{words.waitsForScanner}</Pill>;
      return <Pill icon={Clock}>{word}</Pill>;
    default: {
      if (!progress || progress.total <= 0) return <Pill kind="live">{word}</Pill>;
      const percent = new Intl.NumberFormat(language, { style: "percent" }).format(Math.min(1, progress.done / progress.total));
      return <Pill kind="live"><span className="num">{words.progress(word, percent)}</span></Pill>;
    }
  }
}
