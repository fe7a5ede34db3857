import { ReceiptText } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { useFormat } from "@/lib/format";
import { useLanguage, useWords } from "@/lib/words";
import { useModels } from "./models";
import type { Message } from "./queries";
import { detailWords } from "./detail-words";
import { chatWords } from "./words";

/** What an answer took. */
export function AnswerInfo({ message, onReceipt }: { message: Message; onReceipt: () => void }) {
  const words = useWords(chatWords);
  const detail = useWords(detailWords);
  const format = useFormat();
  const seconds = useSeconds();
  const models = useModels();
  const { usage, context } = message;
  return (
    <>
      <dl className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-1.5 text-s">
        {message.model && <Row name={detail.infoModel}>{models.label(message.model)}</Row>}
        {usage && (
          <>
            <Row name={detail.infoIn}>{format.number(usage.promptTokens)}</Row>
            <Row name={detail.infoOut}>{format.number(usage.outputTokens)}</Row>
            {usage.tokensPerSecond > 0 && <Row name={detail.infoSpeed}>{detail.perSecond(seconds(usage.tokensPerSecond * 1000))}</Row>}
            {usage.firstTokenMs > 0 && <Row name={detail.infoFirst}>{words.seconds(seconds(usage.firstTokenMs))}</Row>}
            <Row name={detail.infoTotal}>{words.seconds(seconds(usage.totalMs))}</Row>
          </>
        )}
        {context && context.limit > 0 && <Row name={detail.infoContext}>{words.contextUsed(format.number(context.counted || context.used), format.number(context.limit))}</Row>}
      </dl>
      <Button small wide className="mt-3" onClick={onReceipt}>
        <ReceiptText aria-hidden="true" className="size-4" />
        {detail.showReceipt}
      </Button>
    </>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="num min-w-0 truncate text-end">{children}</dd>
    </>
  );
}

/** Milliseconds as seconds, with a decimal while they are few. */
function useSeconds(): (ms: number) => string {
  const language = useLanguage();
  return (ms) => new Intl.NumberFormat(language, { maximumFractionDigits: ms < 100_000 ? 1 : 0 }).format(ms / 1000);
}
