import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Spinner } from "./spinner";

export type PillKind = "plain" | "ok" | "care" | "bad" | "live";

const kinds: Record<PillKind, string> = {
  plain: "bg-hover text-muted",
  ok: "bg-success-soft text-success",
  care: "bg-warning-soft text-warning",
  bad: "bg-danger-soft text-danger",
  live: "bg-accent-soft text-accent-text",
};

/** A state as an icon and a word; the colour only repeats them. */
export function Pill({ kind = "plain", icon: Icon, children }: { kind?: PillKind; icon?: LucideIcon; children: ReactNode }) {
  return (
    <span
      className={cx(
        "pill inline-flex h-6 items-center gap-1.5 rounded-full pr-2.25 text-xs font-medium whitespace-nowrap",
        kind === "live" || Icon ? "pl-1.75" : "pl-2.25",
        kinds[kind],
      )}
    >
      {kind === "live" && !Icon && <Spinner />}
      {Icon && <Icon aria-hidden="true" className="size-3.5 stroke-2" />}
      {children}
    </span>
  );
}

/** A word that sorts rather than tells a state: a role, a format. */
export function Tag({ children }: { children: ReactNode }) {
  return <span className="inline-flex h-5 items-center rounded-xs px-1.75 text-xs whitespace-nowrap text-muted ring-line">{children}</span>;
}
