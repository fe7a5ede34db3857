import { refusal } from "@/api/client";
import { follow, type Following, Refused } from "./follow";
import { readRunEvent, type RunEvent } from "./run-events";

interface Listening extends Pick<Following, "last" | "onWaiting" | "signal" | "pause"> {
  run: string;
  /** Takes one event; says whether it was the last. Undefined is one that this page does not know. */
  take: (event: RunEvent | undefined) => boolean;
}

/** Follows a run to its end; throws an ApiProblem when the server has nothing to follow. */
export async function followRun({ run, take, ...rest }: Listening): Promise<void> {
  try {
    await follow({
      ...rest,
      open: (after, signal) =>
        fetch(new URL(`/api/runs/${encodeURIComponent(run)}/events?after=${after}`, location.origin), {
          headers: { Accept: "text/event-stream" },
          cache: "no-store",
          signal,
        }),
      take: (raw) => take(readRunEvent(raw)),
    });
  } catch (cause) {
    throw cause instanceof Refused ? await refusal(cause.response) : cause;
  }
}
