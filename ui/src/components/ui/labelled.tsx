import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import type { Notices } from "@/lib/notices";

const colours: Record<Notices["level"], string> = {
  none: "bg-text text-surface",
  low: "bg-success text-surface",
  medium: "bg-highlight text-on-highlight",
  high: "bg-danger text-on-danger",
};

/** A page between two bars that say how its content is classified: in words, and in a colour. */
export function Labelled({ label, level, children }: Pick<Notices, "label" | "level"> & { children: ReactNode }) {
  if (!label) return children;
  const bar = (place: "top" | "bottom") => (
    <p role={place === "top" ? "note" : undefined} aria-hidden={place === "bottom"} dir="auto" className={cx("flex-none truncate px-3 py-0.5 text-center text-xs font-strong", colours[level])}>
      {label}
    </p>
  );
  return (
    <div className="flex h-full flex-col">
      {bar("top")}
      <div className="relative min-h-0 flex-1">{children}</div>
      {bar("bottom")}
    </div>
  );
}
