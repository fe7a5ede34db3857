import { TriangleAlert } from "lucide-react";
import { Pill } from "@/components/ui/pill";
import type { Schema } from "@/api/types";
import { useLanguage, useWords } from "@/lib/words";
import { indexWords } from "./index-words";

/** What is built anew in a base while the old index answers, in a word and a percent. */
export function Indexing({ indexing }: { indexing: Schema<"Indexing"> }) {
  const words = useWords(indexWords);
  const language = useLanguage();
  const word = words.short[indexing.state];
  if (indexing.state === "failed") return <Pill kind="bad" icon={TriangleAlert}>{word}</Pill>;
  const share = indexing.total > 0 ? Math.min(1, indexing.done / indexing.total) : 0;
  const percent = new Intl.NumberFormat(language, { style: "percent" }).format(share);
  return <Pill kind="live"><span className="num">{word} {percent}</span></Pill>;
}
