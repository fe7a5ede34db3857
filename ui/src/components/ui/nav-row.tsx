import { Slot, Slottable } from "@radix-ui/react-slot";
import type { LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

interface NavRowProps extends ComponentProps<"button"> {
  icon?: LucideIcon;
  /** What stands at the end of the row: a count, keys. */
  end?: ReactNode;
  /** The only child is a Link; the router marks the current one with aria-current. */
  asChild?: boolean;
}

/** A row of the sidebar or of a page's own navigation. */
export function NavRow({ icon: Icon, end, asChild, className, children, ...rest }: NavRowProps) {
  const Root = asChild ? Slot : "button";
  return (
    <Root
      {...(asChild ? {} : { type: "button" as const })}
      className={cx(
        "relative flex h-(--row) w-full items-center gap-2.25 rounded-s ps-2 pe-1 text-start text-text no-underline transition-[background] duration-fast hover:bg-hover aria-[current=page]:bg-selected aria-[current=page]:font-medium contrast:aria-[current=page]:underline contrast:aria-[current=page]:ring-line",
        className,
      )}
      {...rest}
    >
      {Icon && <Icon aria-hidden="true" className="text-muted" />}
      <Slottable>{children}</Slottable>
      {end}
    </Root>
  );
}
