import { Check, ChevronLeft, ChevronRight, Copy, Ellipsis, Info, Quote, RotateCcw, ThumbsDown, ThumbsUp } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { MenuButton } from "@/components/ui/menu-button";
import { useWords } from "@/lib/words";
import { withSources } from "./clipboard";
import { plainAnswer } from "./keys";
import { useModels } from "./models";
import { PopButton } from "./pop-button";
import type { Message } from "./queries";
import type { Citation } from "./sources";
import { useCopy } from "@/components/ui/use-copy";
import { chatWords } from "./words";

const OpinionForm = lazy(() => import("./opinion-form"));
const MessageMenu = lazy(() => import("./message-menu"));
const AgainMenu = lazy(() => import("./again-menu"));
const AnswerInfo = lazy(() => import("./answer-info").then((module) => ({ default: module.AnswerInfo })));
const ReceiptDialog = lazy(() => import("./receipt-dialog").then((module) => ({ default: module.ReceiptDialog })));

/** What may be done to the messages of a chat now; while one is written, nothing. */
export interface Acts {
  again: (answer: Message, model?: string) => void;
  goOn: (answer: Message) => void;
  show: (message: string) => void;
  edit: (question: Message, text: string) => void;
}

/** Whether the server can go on with an answer: only with one that a model wrote, and that has not come to its end. */
export function canGoOn({ state, kind, content, truncated, withheld }: Message): boolean {
  if (kind !== "generated" || withheld) return false;
  if (state === "done") return truncated === true;
  return state === "interrupted" || (content !== "" && (state === "stopped" || state === "failed"));
}

/** The row under an answer: what can be done with it, and its versions. */
export function AnswerActs({ message, text, citations, acts }: { message: Message; text: string; citations: readonly Citation[]; acts: Acts | undefined }) {
  const words = useWords(chatWords);
  const plain = useCopy(words);
  const sourced = useCopy(words);
  const [rating, setRating] = useState<"up" | "down">();
  const given = rating ?? message.feedback?.rating;
  const finished = message.state !== "interrupted" && message.state !== "failed";
  return (
    <>
    <div className="-ms-1.75 mt-2 flex items-center gap-0.5">
      {text && (
        <IconButton icon={plain.copied ? Check : Copy} label={plain.copied ? words.copied : words.copy} onClick={() => plain.copy(plainAnswer(text, false))} />
      )}
      {text && citations.length > 0 && (
        <IconButton icon={sourced.copied ? Check : Quote} label={sourced.copied ? words.copied : words.copySources} onClick={() => sourced.copy(withSources(text, citations, words))} />
      )}
      {acts ? <AgainButton message={message} again={acts.again} /> : <IconButton icon={RotateCcw} label={words.again} disabled />}
      {finished && (
        <>
          <IconButton icon={ThumbsUp} label={words.good} pressed={given === "up"} onClick={() => setRating("up")} />
          <IconButton icon={ThumbsDown} label={words.bad} pressed={given === "down"} onClick={() => setRating("down")} />
        </>
      )}
      {message.kind === "generated" && message.usage && <InfoButton message={message} />}
      {canGoOn(message) && message.state !== "interrupted" && message.state !== "failed" && (
        <Button small kind="quiet" disabled={!acts} onClick={() => acts?.goOn(message)}>{words.goOn}</Button>
      )}
      {acts && <MoreButton message={message} />}
      <Versions className="ms-auto" versions={message.versions} show={acts?.show} />
    </div>
    {rating && (
      <Suspense fallback={null}>
        <OpinionForm key={rating} message={message} rating={rating} onClose={() => setRating(undefined)} />
      </Suspense>
    )}
    </>
  );
}

/** What is done more rarely with a message. */
export function MoreButton({ message, className }: { message: Message; className?: string }) {
  const words = useWords(chatWords);
  return <MenuButton trigger={<IconButton icon={Ellipsis} label={words.more} className={className} />}>{(trigger) => <MessageMenu trigger={trigger} message={message} />}</MenuButton>;
}

/** Another version: by the same model, by another one, or in the documents' own words. */
function AgainButton({ message, again }: { message: Message; again: Acts["again"] }) {
  const words = useWords(chatWords);
  const models = useModels();
  const quoted = message.kind !== "generated";
  const button = <IconButton icon={RotateCcw} label={words.again} />;
  if (quoted && !models.list.some((model) => model.available)) return <IconButton icon={RotateCcw} label={words.again} onClick={() => again(message)} />;
  return <MenuButton trigger={button}>{(trigger) => <AgainMenu trigger={trigger} message={message} again={again} />}</MenuButton>;
}

function InfoButton({ message }: { message: Message }) {
  const words = useWords(chatWords);
  const [open, setOpen] = useState(false);
  const [receipt, setReceipt] = useState(false);
  return (
    <>
      <PopButton open={open} onOpenChange={setOpen} label={words.info} className="w-76 p-3.5" trigger={<IconButton icon={Info} label={words.info} />}>
        <AnswerInfo
          message={message}
          onReceipt={() => {
            setOpen(false);
            setReceipt(true);
          }}
        />
      </PopButton>
      {receipt && (
        <Suspense fallback={null}>
          <ReceiptDialog message={message.id} onClose={() => setReceipt(false)} />
        </Suspense>
      )}
    </>
  );
}

/** Which version of a turn is shown, and the way to the others. */
export function Versions({ versions, show, className }: { versions: Message["versions"]; show: Acts["show"] | undefined; className?: string }) {
  const words = useWords(chatWords);
  const { index, ids } = versions;
  if (ids.length < 2) return null;
  const to = (id: string | undefined) => (id && show ? () => show(id) : undefined);
  const before = to(ids[index - 2]);
  const after = to(ids[index]);
  return (
    <div role="group" aria-label={words.version(index, ids.length)} className={`flex flex-none items-center ${className ?? ""}`}>
      <IconButton small icon={ChevronLeft} label={words.versionBefore} aria-disabled={!before} onClick={before} className="aria-disabled:text-off rtl:-scale-x-100" />
      <span aria-hidden="true" className="num px-0.5 text-s text-muted">{index} / {ids.length}</span>
      <IconButton small icon={ChevronRight} label={words.versionAfter} aria-disabled={!after} onClick={after} className="aria-disabled:text-off rtl:-scale-x-100" />
    </div>
  );
}
