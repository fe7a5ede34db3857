import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { uiWords } from "./words";

/** One grey line or block in the true shape of what will come. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={cx("breathe h-4 rounded-s bg-selected", className)} />;
}

/** Holds skeletons: nothing is shown for the first 200 ms, and the wait is said once. */
export function Loading({ children, className }: { children: React.ReactNode; className?: string }) {
  const words = useWords(uiWords);
  return (
    <div role="status" className={cx("appear-late", className)}>
      <span className="unseen">{words.loading}</span>
      {children}
    </div>
  );
}

const widths = ["w-3/5", "w-2/5", "w-1/2", "w-1/3"];

/** Rows of a table or list that is still to come. */
export function SkeletonRows({ rows = 5 }: { rows?: number }) {
  return (
    <Loading className="rounded-m bg-raised card-edge">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className={cx("flex h-11 items-center px-4", i > 0 && "border-t border-line")}>
          <Skeleton className={cx("h-3", widths[i % widths.length])} />
        </div>
      ))}
    </Loading>
  );
}
