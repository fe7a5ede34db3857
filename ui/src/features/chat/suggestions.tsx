import { useInfiniteQuery } from "@tanstack/react-query";
import { ClipboardList, type LucideIcon, ThermometerSnowflake, Wrench, Zap } from "lucide-react";
import { knowledgeListQuery } from "@/api/knowledge";
import { useWords } from "@/lib/words";
import { chatWords } from "./words";

const icons: readonly LucideIcon[] = [Zap, ThermometerSnowflake, ClipboardList, Wrench];

interface SuggestionsProps {
  onAsk: (question: string) => void;
  disabled: boolean;
}

/** A few questions that the sample documents answer, as long as the sample is there to answer them. */
export function Suggestions({ onAsk, disabled }: SuggestionsProps) {
  const words = useWords(chatWords);
  const { data } = useInfiniteQuery(knowledgeListQuery);
  const sample = data?.pages.some((page) => page.items.some((base) => base.name === sampleName && base.documents > 0));
  if (!sample) return null;
  return (
    <ul aria-label={words.suggestions} className="mt-4 grid gap-x-2 gap-y-1 frame:grid-cols-2">
      {words.asks.map(({ title, rest, question }, i) => {
        const Icon = icons[i % icons.length] ?? Zap;
        return (
          <li key={question}>
            <button
              type="button"
              disabled={disabled}
              onClick={() => onAsk(question)}
              className="flex w-full gap-3 rounded-pop px-4 py-2.5 text-start transition-[background] duration-fast hover:bg-hover"
            >
              <Icon aria-hidden="true" className="mt-px flex-none text-accent-text" />
              <span className="min-w-0">
                <span className="block font-medium">{title}</span>
                <span className="block text-muted">{rest}</span>
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** How the knowledge base that ships with the product is called; its name is not translated. */
const sampleName = "Getting to know ChatETS";
