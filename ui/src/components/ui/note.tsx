import { CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

export type NoteKind = "plain" | "bad" | "care" | "live" | "ok";

const looks = {
  plain: { box: "bg-sunken", icon: "text-muted", Icon: Info },
  live: { box: "bg-accent-soft", icon: "text-accent-text", Icon: Info },
  care: { box: "bg-warning-soft", icon: "text-warning", Icon: TriangleAlert },
  bad: { box: "bg-danger-soft", icon: "text-danger", Icon: TriangleAlert },
  ok: { box: "bg-success-soft", icon: "text-success", Icon: CircleCheck },
} as const;

/** A sentence inside the page that asks for attention. */
export function Note({ kind = "plain", children, action, className }: { kind?: NoteKind; children: ReactNode; action?: ReactNode; className?: string }) {
  const { box, icon, Icon } = looks[kind];
  return (
    <div role={kind === "bad" ? "alert" : undefined} className={cx("note flex flex-wrap items-start gap-3 rounded-m px-4 py-3 text-text", box, className)}>
      <Icon aria-hidden="true" className={cx("mt-px", icon)} />
      {/* An action that would squeeze the sentence stands below it. */}
      <div className="min-w-0 grow basis-40">{children}</div>
      {action}
    </div>
  );
}
