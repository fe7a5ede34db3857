import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** Nothing yet: one sentence and one action. */
export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="grid justify-items-center gap-1 rounded-m border border-dashed border-edge px-5 py-10 text-center">
      <Icon aria-hidden="true" className="mb-1 size-6 text-muted" />
      <p className="font-strong">{title}</p>
      {children && <p className="max-w-[34rem] text-muted">{children}</p>}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}
