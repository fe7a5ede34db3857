import { Check, Clock, LockKeyhole, RotateCcw, ShieldAlert, ShieldQuestion, X } from "lucide-react";
import { Pill } from "@/components/ui/pill";
import { useLanguage, useWords } from "@/lib/words";
import { indexWords } from "./index-words";
import type { Document } from "./queries";
import { knowledgeWords } from "./words";

/** How far a document is, as an icon and words; the percent only where the server counts. */
export function DocumentState({ document: { state, code, progress, renewal } }: { document: Document }) {
  const words = useWords(knowledgeWords);
  const index = useWords(indexWords);
  const language = useLanguage();
  const word = words.states[state];
  switch (state) {
    case "ready":
      if (renewal) return renewal.state === "failed" ? <Pill kind="care" icon={RotateCcw}>{index.renewalFailed}</Pill> : <Pill kind="live">{index.renewal}</Pill>;
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
