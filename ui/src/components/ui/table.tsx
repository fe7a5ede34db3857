import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

/**
 * A table in its card: 44 px rows, heads in grey, figures right, row actions in
 * the last cell. It scrolls inside itself when the page is too narrow.
 */
export function Table({ label, head, children, foot }: { label: string; head: ReactNode; children: ReactNode; foot?: ReactNode }) {
  return (
    <div className="card overflow-hidden rounded-m bg-raised card-edge">
      <div className="relative overflow-x-auto">
        <table aria-label={label} className="w-full border-collapse">
          <thead>
            <tr>{head}</tr>
          </thead>
          <tbody className="[&>tr+tr>*]:border-t [&>tr+tr>*]:border-line">{children}</tbody>
        </table>
      </div>
      {foot && <div className="flex items-center gap-2 border-t border-line px-4 py-2 text-s text-muted">{foot}</div>}
    </div>
  );
}

interface HeadProps extends ComponentProps<"th"> {
  figures?: boolean;
  /** The name is read out, not shown: the column of actions. */
  hidden?: boolean;
}

export function Head({ figures, hidden, className, children, ...rest }: HeadProps) {
  return (
    <th
      scope="col"
      className={cx(
        "border-b border-line px-3 py-2.25 text-xs font-medium whitespace-nowrap text-muted first:ps-4 last:pe-4",
        figures ? "text-end" : "text-start",
        className,
      )}
      {...rest}
    >
      {hidden ? <span className="unseen">{children}</span> : children}
    </th>
  );
}

export function Row({ className, ...rest }: ComponentProps<"tr">) {
  return <tr className={cx("transition-[background] duration-fast hover:bg-hover aria-selected:bg-accent-soft", className)} {...rest} />;
}

export function Cell({ figures, className, ...rest }: ComponentProps<"td"> & { figures?: boolean }) {
  return <td className={cx("h-11 px-3 first:ps-4 last:pe-4", figures && "num text-end", className)} {...rest} />;
}
