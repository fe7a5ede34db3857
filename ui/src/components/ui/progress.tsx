import { cx } from "@/lib/cx";

interface ProgressProps {
  /** What progresses. */
  label: string;
  done: number;
  /** 0 when nobody knows: the bar then only shows that work goes on. */
  total: number;
  className?: string;
}

export function Progress({ label, done, total, className }: ProgressProps) {
  const known = total > 0;
  const share = known ? Math.min(1, done / total) : 1;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(share * 100) : undefined}
      className={cx("h-1 overflow-hidden rounded-full bg-track", className)}
    >
      <div
        className={cx("fill h-full origin-left rounded-full bg-accent rtl:origin-right", known ? "transition-transform duration-base" : "breathe")}
        style={{ transform: `scaleX(${share})` }}
      />
    </div>
  );
}
