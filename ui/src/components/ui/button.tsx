import { Slot } from "@radix-ui/react-slot";
import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";
import { Spinner } from "./spinner";

export type ButtonKind = "primary" | "plain" | "quiet" | "danger" | "quiet-danger";

const base =
  "button inline-flex items-center justify-center gap-2 rounded-s font-medium whitespace-nowrap no-underline select-none transition-[background,box-shadow,color] duration-fast disabled:text-off disabled:bg-sunken disabled:ring-line";
const kinds: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent enabled:hover:bg-accent-hover [a&]:hover:bg-accent-hover",
  plain: "bg-raised text-text card-edge enabled:hover:bg-sunken enabled:hover:ring-edge [a&]:hover:bg-sunken",
  quiet: "text-muted enabled:hover:bg-hover enabled:hover:text-text [a&]:hover:bg-hover disabled:bg-transparent disabled:shadow-none",
  danger: "bg-danger text-on-danger enabled:hover:brightness-95",
  "quiet-danger": "text-danger enabled:hover:bg-danger-soft",
};

interface ButtonProps extends ComponentProps<"button"> {
  kind?: ButtonKind;
  small?: boolean;
  wide?: boolean;
  /** Work is under way: the button stays as wide, turns and cannot be pressed again. */
  busy?: boolean;
  /** Gives the look to the only child, usually a Link. */
  asChild?: boolean;
}

export function Button({ kind = "plain", small, wide, busy, asChild, className, children, disabled, ...rest }: ButtonProps) {
  const classes = cx(
    base,
    kinds[kind],
    small ? "h-7.5 px-2.5 touch:h-10" : cx("h-control", kind === "quiet" ? "px-2.5" : "px-3.5"),
    wide && "w-full",
    className,
  );
  if (asChild) return <Slot className={classes} {...rest}>{children}</Slot>;
  return (
    <button
      type="button"
      className={classes}
      disabled={disabled}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      {...rest}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    >
      {busy && <Spinner className="border-t-current" />}
      {children}
    </button>
  );
}
