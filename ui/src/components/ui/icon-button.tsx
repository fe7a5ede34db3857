import type { LucideIcon } from "lucide-react";
import { type ComponentProps, useContext } from "react";
import { cx } from "@/lib/cx";
import { TipContext } from "./tip-context";

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  icon: LucideIcon;
  /** The name, said by a screen reader and shown as the tooltip. */
  label: string;
  small?: boolean;
  /** For a button that stays down: it is told to a screen reader too. */
  pressed?: boolean;
  /** Keys that do the same, shown in the tooltip. */
  keys?: string;
}

export function IconButton({ icon: Icon, label, small, pressed, keys, className, ...rest }: IconButtonProps) {
  const tip = useContext(TipContext);
  return tip({
    text: label,
    keys,
    children: (
      <button
        type="button"
        aria-label={label}
        aria-pressed={pressed}
        className={cx(
          "inline-grid flex-none place-items-center rounded-s text-muted transition-[background,color] duration-fast enabled:hover:bg-hover enabled:hover:text-text disabled:text-off aria-pressed:bg-selected aria-pressed:text-text aria-expanded:bg-selected aria-expanded:text-text",
          small ? "size-7 touch:size-9" : "size-8 touch:size-11",
          className,
        )}
        {...rest}
      >
        <Icon aria-hidden="true" />
      </button>
    ),
  });
}
