import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";

interface KeyProps extends Omit<ComponentProps<"button">, "children"> {
  number: number;
  /** Says what the number opens: "Source 2: G2 acceptance test, page 14". */
  label: string;
  current?: boolean;
  /** A square for lists and tabs; without it, text that stands in a sentence. */
  flat?: boolean;
}

/** The number of a source, to press. */
export function Key({ number, label, current, flat, className, ...rest }: KeyProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-current={current ? "true" : undefined}
      className={cx("key", flat && "flat", className)}
      {...rest}
    >
      {number}
    </button>
  );
}

/** The same number where nothing is to be pressed: beside a row, in the margin of a page. */
export function KeyMark({ number, current, onPaper, className }: { number: number; current?: boolean; onPaper?: boolean; className?: string }) {
  return <span className={cx("key flat", current && "on", onPaper && "on-paper", className)}>{number}</span>;
}
