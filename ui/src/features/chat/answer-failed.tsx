import { problemFrom } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { useProblemText } from "@/components/ui/error-panel";
import { Note } from "@/components/ui/note";
import { PhaseLine } from "@/components/ui/phase-line";
import { uiWords } from "@/components/ui/words";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Acts, canGoOn } from "./answer-acts";
import type { Message } from "./queries";
import { brokenBars, countWords } from "./stream";
import { chatWords } from "./words";

/** Where an answer broke, why, what is kept, what can be done, and the number to name to an administrator. */
export function AnswerFailed({ message, acts }: { message: Message; acts: Acts | undefined }) {
  const words = useWords(chatWords);
  const ui = useWords(uiWords);
  const format = useFormat();
  const problem = problemFrom(message.problem?.status ?? 500, message.problem);
  const { cause, cure } = useProblemText()(problem);
  const kept = countWords(message.content);
  const goOn = canGoOn(message);
  return (
    <div className="mt-3.5 grid gap-2">
      <PhaseLine phases={brokenBars(message)} word={message.state === "failed" ? words.failed : words.brokeOff} />
      <Note kind="bad">
        <p>
          {cause} {cure && <span className="text-muted">{cure}</span>} {kept > 0 && <span className="num text-muted">{words.keptWords(kept, format.number(kept))}</span>}
        </p>
        <div className="mt-2 flex flex-wrap items-center gap-2">
          {acts && goOn && <Button small kind="primary" onClick={() => acts.goOn(message)}>{words.goOn}</Button>}
          {acts && <Button small onClick={() => acts.again(message)}>{ui.retry}</Button>}
          {problem.request && <span className="ms-auto text-s text-muted">{ui.request("")}<span className="font-code text-xs break-all">{problem.request}</span></span>}
        </div>
      </Note>
    </div>
  );
}
