import { Tooltip } from "@/components/ui/tooltip";
import { cx } from "@/lib/cx";
import { useLanguage, useWords } from "@/lib/words";
import { type Fill, shortTokens } from "./tokens";
import { chatWords } from "./words";

const round = 2 * Math.PI * 7;

/** How much of the model's context the chat fills, with what is typed. */
export function ContextMeter({ fill }: { fill: Fill }) {
  const words = useWords(chatWords);
  const language = useLanguage();
  const short = words.contextUsed(shortTokens(language, fill.used, fill.limit), shortTokens(language, fill.limit, fill.limit));
  return (
    <Tooltip text={fill.cut ? words.contextCut : words.contextHelp} side="top">
      {/* It can be reached with the keyboard, because the tooltip says more than the number. */}
      <button
        type="button"
        aria-label={words.contextLabel(short)}
        className={cx("inline-flex h-7.5 flex-none cursor-default items-center gap-2 rounded-s px-2 text-xs touch:h-10", fill.cut ? "text-danger" : "text-muted max-frame:hidden")}
      >
        <svg viewBox="0 0 18 18" aria-hidden="true" className="size-4.5 -rotate-90 fill-none stroke-[2.4]">
          <circle cx="9" cy="9" r="7" className="stroke-track" />
          <circle cx="9" cy="9" r="7" strokeDasharray={`${(fill.cut ? 1 : fill.share) * round} ${round}`} className={fill.cut ? "stroke-danger" : "stroke-accent"} />
        </svg>
        <span className="num max-frame:hidden">{short}</span>
      </button>
    </Tooltip>
  );
}
