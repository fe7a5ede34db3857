import { useEffect, useEffectEvent } from "react";

const signs = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/**
 * Calls back when nobody has touched a page of this browser for so many minutes. The pages tell each other that
 * somebody is there, and nothing else.
 */
export function useIdle(minutes: number, onIdle: () => void): void {
  const idle = useEffectEvent(onIdle);
  useEffect(() => {
    if (minutes <= 0) return;
    const others = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("chatets.present");
    let last = Date.now();
    let told = last;
    let done = false;
    const present = () => {
      // Whoever comes back to a machine that slept finds the page covered.
      if (look()) return;
      last = Date.now();
      if (last - told < 5_000) return;
      told = last;
      others?.postMessage("");
    };
    const look = (): boolean => {
      if (done || Date.now() - last < minutes * 60_000) return done;
      done = true;
      idle();
      return true;
    };
    others?.addEventListener("message", () => {
      if (!done) last = Date.now();
    });
    for (const sign of signs) addEventListener(sign, present, { passive: true, capture: true });
    document.addEventListener("visibilitychange", look);
    const timer = setInterval(look, 5_000);
    return () => {
      for (const sign of signs) removeEventListener(sign, present, { capture: true });
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
      others?.close();
    };
  }, [minutes]);
}
