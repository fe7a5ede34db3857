import { cx } from "@/lib/cx";

/** Never alone: a word always stands beside it. */
export function Spinner({ className }: { className?: string }) {
  return <span aria-hidden="true" className={cx("spinner", className)} />;
}
