import { useEffect, useEffectEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { PhaseLine } from "@/components/ui/phase-line";
import { useLanguage, useWords } from "@/lib/words";
import type { Phase } from "./run-events";
import { countWords, phaseBars, type Stream } from "./stream";
import type { Running } from "./use-run";
import { chatWords } from "./words";

interface RunLineProps {
  running: Running;
  /** The name people see of the model that answers; "" while the documents do. */
  model: string;
  /** Gives the place in the queue up. */
  onLeave: () => void;
  stopping: boolean;
}

/** What the server is doing for this answer, above the composer, with the way out beside it. */
export function RunLine({ running, model, onLeave, stopping }: RunLineProps) {
  const words = useWords(chatWords);
  const { stream, waiting, tryNow } = running;
  const lost = useLost(waiting);
  const { seconds, count } = useElapsed(stream);
  const number = useNumber();
  if (lost !== undefined) {
    return (
      <Strip>
        <PhaseLine phases={phaseBars(stream)} word={words.lost} action={<Button small kind="quiet" onClick={tryNow}>{words.tryNow}</Button>}>
          <span title={words.lostHelp}>{lost > 0 ? words.lostWhy(number(lost)) : words.lostNow}</span>
        </PhaseLine>
      </Strip>
    );
  }
  const { place, seconds: left, why, query } = stream.details;
  const elapsed = seconds >= 1 ? words.seconds(number(seconds)) : "";
  const queued = stream.phase === "queued";
  let told: string;
  if (queued) told = [left ? words.about(number(left)) : elapsed, why].filter(Boolean).join(" · ");
  else if (stream.phase === "searching" && query) told = [words.searchedFor(query), elapsed].filter(Boolean).join(" · ");
  else if (stream.phase === "writing" && count > 0) told = [words.wordCount(count, number(count)), elapsed].filter(Boolean).join(" · ");
  else told = elapsed;
  return (
    <Strip>
      <PhaseLine
        phases={phaseBars(stream)}
        word={queued && place ? words.queuedAt(number(place)) : stream.phase === "loading" && model ? words.loadingModel(model) : phaseWord(stream.phase, words)}
        action={queued && place !== undefined && <Button small kind="quiet" busy={stopping} onClick={onLeave}>{words.leaveQueue}</Button>}
      >
        {told && <span title={told}>{told}</span>}
      </PhaseLine>
    </Strip>
  );
}

function Strip({ children }: { children: React.ReactNode }) {
  return <div className="pointer-events-auto bg-surface pt-1.5 pb-1">{children}</div>;
}

function phaseWord(phase: Phase, words: typeof chatWords.english): string {
  switch (phase) {
    case "queued":
      return words.queued;
    case "loading":
      return words.loading;
    case "searching":
      return words.searching;
    case "thinking":
      return words.thinking;
    default:
      return words.writingNow;
  }
}

function useNumber(): (n: number) => string {
  const language = useLanguage();
  return (n) => new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(n);
}

/** Whole seconds since the phase began, and the words there are, counted twice a second and not with every word. */
function useElapsed(stream: Stream): { seconds: number; count: number } {
  const { phase } = stream;
  const [told, setTold] = useState({ phase, seconds: 0, count: 0 });
  const look = useEffectEvent((began: number) => setTold({ phase, seconds: Math.floor((Date.now() - began) / 1000), count: countWords(stream.text) }));
  useEffect(() => {
    const began = Date.now();
    const timer = setInterval(() => look(began), 500);
    return () => clearInterval(timer);
  }, [phase]);
  return told.phase === phase ? told : { seconds: 0, count: 0 };
}

/** Seconds until the next try. A drop of under a second is not worth a word. */
function useLost(waiting: Running["waiting"]): number | undefined {
  const [now, setNow] = useState(0);
  const { since, until } = waiting ?? {};
  useEffect(() => {
    if (since === undefined) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [since]);
  if (since === undefined || until === undefined || now < since + 700) return undefined;
  return Math.max(0, Math.ceil((until - now) / 1000));
}
