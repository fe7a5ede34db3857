import { useInfiniteQuery } from "@tanstack/react-query";
import { BookOpen } from "lucide-react";
import { lazy, useState } from "react";
import { knowledgeListQuery } from "@/api/knowledge";
import { Button } from "@/components/ui/button";
import { useWords } from "@/lib/words";
import type { KnowledgeChoicesProps } from "./knowledge-choices";
import { PopButton } from "./pop-button";
import { chatWords } from "./words";

const KnowledgeChoices = lazy(() => import("./knowledge-choices").then((module) => ({ default: module.KnowledgeChoices })));

/** From what the next answer is taken. */
export function KnowledgePicker({ chosen, onChange }: KnowledgeChoicesProps) {
  const words = useWords(chatWords);
  const [open, setOpen] = useState(false);
  const { data } = useInfiniteQuery(knowledgeListQuery);
  const name = data?.pages.flatMap((page) => page.items).find((base) => base.id === chosen[0])?.name;
  const text = chosen.length === 0 ? words.allKnowledge : chosen.length === 1 && name ? name : words.someKnowledge(chosen.length);
  return (
    <PopButton
      open={open}
      onOpenChange={setOpen}
      label={words.knowledgeTitle}
      className="thin-scroll flex max-h-[min(24rem,var(--radix-popover-content-available-height))] w-76 flex-col p-1.25"
      trigger={
        <Button kind="quiet" small className="min-w-0 max-frame:w-11 max-frame:px-0" aria-label={words.knowledge(text)}>
          <BookOpen aria-hidden="true" className="flex-none text-accent-text" />
          <span className="truncate max-frame:hidden">{text}</span>
        </Button>
      }
    >
      <KnowledgeChoices chosen={chosen} onChange={onChange} />
    </PopButton>
  );
}
