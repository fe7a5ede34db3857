import { useEffect, useRef, useState } from "react";

/** From here on a block is too long to be parsed again for every word. */
const long = 3_000;
const pause = 250;

/** A text that grows: at once while it is short, four times a second when it is long, and whole when it is done. */
export function useCalm(text: string, growing: boolean): string {
  const calm = growing && text.length > long;
  const [held, setHeld] = useState(text);
  const latest = useRef(text);
  useEffect(() => {
    latest.current = text;
  }, [text]);
  useEffect(() => {
    if (!calm) return;
    const timer = setInterval(() => setHeld(latest.current), pause);
    return () => clearInterval(timer);
  }, [calm]);
  return calm && held.length > 0 && text.startsWith(held.slice(0, 64)) && held.length >= long ? held : text;
}
