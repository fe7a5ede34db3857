import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  /** It is all there is on the page, so its title is the page's heading. */
  heading?: boolean;
  children?: ReactNode;
  action?: ReactNode;
}

/** Nothing yet: one sentence and one action. */
export function Empty({ icon: Icon, title, heading, children, action }: EmptyProps) {
  const Title = heading ? "h1" : "p";
  return (
    <div className="grid justify-items-center gap-1 rounded-m border border-dashed border-edge px-5 py-10 text-center">
      <Icon aria-hidden="true" className="mb-1 size-6 text-muted" />
      <Title className="text-m font-strong">{title}</Title>
      {children && <p className="max-w-[34rem] text-muted">{children}</p>}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}
