import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export type Phase = "done" | "now" | "todo" | "skip" | "fail";

const looks: Record<Phase, string> = {
  done: "h-1 bg-accent fill",
  now: "h-1 bg-track",
  todo: "h-1 bg-track",
  skip: "h-px bg-edge",
  fail: "h-1 bg-danger fill",
};

interface PhaseLineProps {
  /** Five bars: queue, model, documents, thinking, writing. */
  phases: readonly Phase[];
  word: string;
  /** A number or a reason beside the word. */
  children?: ReactNode;
  action?: ReactNode;
}

/** Waiting, as a line: what is happening, how long, and the way out. */
export function PhaseLine({ phases, word, children, action }: PhaseLineProps) {
  const failed = phases.includes("fail");
  return (
    <div className="flex min-h-6 items-center gap-2 text-s text-muted">
      <span aria-hidden="true" className="inline-flex flex-none items-center gap-0.75">
        {phases.map((phase, i) => (
          <span key={i} className={cx("w-4.5 overflow-hidden rounded-full", looks[phase])}>
            {phase === "now" && <span className="breathe fill block h-full w-1/2 rounded-full bg-accent" />}
          </span>
        ))}
      </span>
      <strong className={cx("font-medium whitespace-nowrap", failed ? "text-danger" : "text-text")}>{word}</strong>
      <span className="num min-w-0 truncate">{children}</span>
      {action && <span className="ms-auto flex-none">{action}</span>}
    </div>
  );
}
