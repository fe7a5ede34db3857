import { cx } from "@/lib/cx";

/** The mark: a sheet that speaks, with the one line that was marked in it. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={cx("size-6 flex-none", className)}>
      <path className="fill-accent" d="M6.5 2h11A4.5 4.5 0 0 1 22 6.5v7a4.5 4.5 0 0 1-4.5 4.5H12l-4.6 3.7a.85.85 0 0 1-1.4-.66V18A4.5 4.5 0 0 1 2 13.5v-7A4.5 4.5 0 0 1 6.5 2z" />
      <rect className="fill-on-accent" x="7" y="5.4" width="10" height="1.9" rx=".95" />
      <rect className="fill-highlight" x="7" y="9.05" width="7" height="1.9" rx=".95" />
      <rect className="fill-on-accent" x="7" y="12.7" width="10" height="1.9" rx=".95" />
    </svg>
  );
}
