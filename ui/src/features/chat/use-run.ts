import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { type ApiProblem, asProblem } from "@/api/problem";
import { advance, emptyStream, type Stream } from "./stream";

export interface Waiting {
  since: number;
  until: number;
}

export interface Running {
  stream: Stream;
  /** Since when the connection is lost, and when the next try comes. */
  waiting: Waiting | undefined;
  tryNow: () => void;
}

interface State {
  run: string | undefined;
  stream: Stream;
  waiting: Waiting | undefined;
}

const untilNextTry = 3_000;
const idle: State = { run: undefined, stream: emptyStream, waiting: undefined };

/**
 * Follows a run for as long as the page shows it, from the beginning: the server keeps every event, so a
 * page that was loaded again shows the same text. Words are drawn once a frame, however fast they come.
 */
export function useRun(run: string | undefined, onEnd: (stream: Stream, refused?: ApiProblem) => void): Running {
  const [state, setState] = useState(idle);
  const wake = useRef<() => void>(() => undefined);
  const ended = useEffectEvent(onEnd);

  useEffect(() => {
    if (run === undefined) return;
    const end = new AbortController();
    let stream = emptyStream;
    let waiting: Waiting | undefined;
    let frame = 0;
    const draw = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      if (!end.signal.aborted) setState({ run, stream, waiting });
    };
    const drawSoon = () => {
      frame ||= requestAnimationFrame(draw);
    };
    draw();
    const pause = (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          removeEventListener("online", done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        addEventListener("online", done);
        signal.addEventListener("abort", done);
        wake.current = done;
      });
    const onWaiting = (until: number | undefined) => {
      waiting = until === undefined ? undefined : { since: waiting?.since ?? Date.now(), until };
      drawSoon();
    };
    /** What reads the stream comes with the first run; without a network it comes later. */
    const reader = async () => {
      for (;;) {
        try {
          return await import("./follow-run");
        } catch (cause) {
          if (end.signal.aborted) throw cause;
          onWaiting(Date.now() + untilNextTry);
          await pause(untilNextTry, end.signal);
        }
      }
    };
    reader()
      .then(({ followRun }) =>
        followRun({
          run,
          last: () => stream.last,
          take: (event) => {
            if (event) stream = advance(stream, event);
            if (!stream.ended) drawSoon();
            return stream.ended;
          },
          onWaiting,
          signal: end.signal,
          pause,
        }),
      )
      .then(() => {
        if (end.signal.aborted) return;
        draw();
        ended(stream);
      })
      .catch((cause: unknown) => {
        if (end.signal.aborted) return;
        draw();
        ended(stream, asProblem(cause));
      });
    return () => {
      end.abort();
      cancelAnimationFrame(frame);
    };
  }, [run]);

  const tryNow = useCallback(() => wake.current(), []);
  // The state of the run before, until the first drawing of this one.
  const shown = state.run === run ? state : idle;
  return { stream: shown.stream, waiting: shown.waiting, tryNow };
}
