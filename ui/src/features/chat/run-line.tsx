import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { PhaseLine } from "@/components/ui/phase-line";
import { useLanguage, useWords } from "@/lib/words";
import type { Phase } from "./run-events";
import { phaseBars } from "./stream";
import type { Running } from "./use-run";
import { chatWords } from "./words";

/** What the server is doing for this answer, above the composer, with the way out beside it. */
export function RunLine({ running }: { running: Running }) {
  const words = useWords(chatWords);
  const { stream, waiting, tryNow } = running;
  const lost = useLost(waiting);
  const elapsed = useElapsed(stream.phase);
  const inSeconds = useSeconds();
  if (lost !== undefined) {
    return (
      <Strip>
        <PhaseLine phases={phaseBars(stream)} word={words.lost} action={<Button small kind="quiet" onClick={tryNow}>{words.tryNow}</Button>}>
          <span title={words.lostHelp}>{lost > 0 ? words.lostWhy(inSeconds(lost)) : words.lostNow}</span>
        </PhaseLine>
      </Strip>
    );
  }
  return (
    <Strip>
      <PhaseLine phases={phaseBars(stream)} word={phaseWord(stream.phase, words)}>
        {elapsed >= 1 && words.seconds(inSeconds(elapsed))}
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

function useSeconds(): (seconds: number) => string {
  const language = useLanguage();
  return (seconds) => new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(seconds);
}

/** Whole seconds since the phase began. */
function useElapsed(phase: Phase): number {
  const [count, setCount] = useState({ phase, seconds: 0 });
  useEffect(() => {
    const began = Date.now();
    const timer = setInterval(() => setCount({ phase, seconds: Math.floor((Date.now() - began) / 1000) }), 500);
    return () => clearInterval(timer);
  }, [phase]);
  return count.phase === phase ? count.seconds : 0;
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
