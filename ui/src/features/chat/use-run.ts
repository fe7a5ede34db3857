import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { refusal } from "@/api/client";
import { type ApiProblem, asProblem } from "@/api/problem";
import { follow, Refused } from "./follow";
import { readRunEvent } from "./run-events";
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
    follow({
      open: (after, signal) =>
        fetch(new URL(`/api/runs/${encodeURIComponent(run)}/events?after=${after}`, location.origin), {
          headers: { Accept: "text/event-stream" },
          cache: "no-store",
          signal,
        }),
      last: () => stream.last,
      take: (raw) => {
        const event = readRunEvent(raw);
        if (event) stream = advance(stream, event);
        if (!stream.ended) drawSoon();
        return stream.ended;
      },
      onWaiting: (until) => {
        waiting = until === undefined ? undefined : { since: waiting?.since ?? Date.now(), until };
        drawSoon();
      },
      signal: end.signal,
      pause: (ms, signal) =>
        new Promise((resolve) => {
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
        }),
    })
      .then(async () => {
        if (end.signal.aborted) return;
        draw();
        ended(stream);
      })
      .catch(async (cause: unknown) => {
        if (end.signal.aborted) return;
        const problem = cause instanceof Refused ? await refusal(cause.response) : asProblem(cause);
        if (end.signal.aborted) return;
        draw();
        ended(stream, problem);
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
