import { EventParser, type ServerEvent } from "./sse";

/**
 * Follows one run's events until they end, through dropped connections, sleeping laptops and restarts of
 * the server. Every event has a number, and after a drop the stream is asked for what came behind the last
 * number seen, so nothing is lost and nothing comes twice.
 */
export interface Following {
  /** Opens the stream of events behind number `after`. */
  open: (after: number, signal: AbortSignal) => Promise<Response>;
  /** Takes one event; says whether it was the last. */
  take: (event: ServerEvent) => boolean;
  /** The number of the last event taken. */
  last: () => number;
  /** Told when the connection drops (with the time of the next try) and when it holds again (undefined). */
  onWaiting?: (until: number | undefined) => void;
  signal: AbortSignal;
  /** Waits before the next try; the promise ends early when the person asks for it. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  now?: () => number;
}

/** The server answered, and its answer is not a stream: there is nothing to resume. */
export class Refused extends Error {
  constructor(readonly response: Response) {
    super(`the stream was refused with status ${response.status}`);
    this.name = "Refused";
  }
}

/** The server sends a sign of life every 15 s; when three are missing the connection is dead. */
const silence = 45_000;
const firstPause = 500;
const longestPause = 15_000;

export async function follow(f: Following): Promise<void> {
  const now = f.now ?? Date.now;
  let tries = 0;
  while (!f.signal.aborted) {
    const before = f.last();
    const ended = await once(f).catch((cause: unknown) => {
      if (f.signal.aborted || cause instanceof Refused) throw cause;
      return false;
    });
    if (ended || f.signal.aborted) return;
    tries = f.last() > before ? 0 : tries + 1;
    const wait = Math.min(firstPause * 2 ** tries, longestPause);
    f.onWaiting?.(now() + wait);
    await f.pause(wait, f.signal);
  }
}

async function once(f: Following): Promise<boolean> {
  const connection = new AbortController();
  const stop = () => connection.abort(f.signal.reason);
  f.signal.addEventListener("abort", stop, { once: true });
  let watch = setTimeout(stop, silence);
  try {
    const response = await f.open(f.last(), connection.signal);
    if (transient(response.status)) return false;
    if (!response.ok || !response.body) throw new Refused(response);
    f.onWaiting?.(undefined);
    const parser = new EventParser();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      clearTimeout(watch);
      watch = setTimeout(stop, silence);
      for (const event of parser.push(value)) {
        // What may still come is not waited for: the connection is cut below.
        if (f.take(event)) return true;
      }
    }
  } finally {
    clearTimeout(watch);
    f.signal.removeEventListener("abort", stop);
    connection.abort();
  }
}

/** The server, or a proxy before it, is busy or restarting: the run goes on, so asking again is right. */
function transient(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}
