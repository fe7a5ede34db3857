import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from "react";

const LiveContext = createContext<(sentence: string) => void>(() => undefined);

/** Holds the one live region of the page. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [sentence, setSentence] = useState("");
  const turn = useRef(false);
  const say = useCallback((next: string) => {
    // The same sentence twice must be heard twice: an invisible change makes it new.
    turn.current = !turn.current;
    setSentence(turn.current ? next : `${next}\u00a0`);
  }, []);
  const region = useMemo(
    () => (
      <div role="status" aria-live="polite" className="unseen">
        {sentence}
      </div>
    ),
    [sentence],
  );
  return (
    <LiveContext value={say}>
      {children}
      {region}
    </LiveContext>
  );
}

/** Says a result to a screen reader: `say("Answer finished.")`. */
export function useSay(): (sentence: string) => void {
  return useContext(LiveContext);
}
