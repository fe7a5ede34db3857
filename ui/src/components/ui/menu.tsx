import * as Radix from "@radix-ui/react-dropdown-menu";
import { Check, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Keys } from "./keys";

interface MenuProps {
  /** The button that opens it. */
  trigger: ReactNode;
  children: ReactNode;
  side?: "top" | "bottom" | "right" | "left";
  align?: "start" | "end" | "center";
  /** As wide as its button, for a menu that grows out of a row. */
  fit?: boolean;
  /** It comes with the press that opens it, see menu-button. */
  defaultOpen?: boolean;
}

export function Menu({ trigger, children, side = "bottom", align = "end", fit, defaultOpen = false }: MenuProps) {
  return (
    <Radix.Root modal={false} defaultOpen={defaultOpen}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          align={align}
          sideOffset={6}
          collisionPadding={8}
          className={cx(
            "pop-in z-50 max-h-[var(--radix-dropdown-menu-content-available-height)] min-w-48 overflow-auto rounded-pop bg-raised p-1.25 float-edge",
            fit && "w-[var(--radix-dropdown-menu-trigger-width)]",
          )}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const item =
  "flex min-h-(--row) cursor-pointer items-center gap-2.25 rounded-s px-2 py-1 text-text no-underline outline-none select-none data-[disabled]:cursor-not-allowed data-[disabled]:text-off data-[highlighted]:bg-hover";

interface MenuItemProps {
  icon?: LucideIcon;
  children: ReactNode;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  /** The only child is a link that gets the look. */
  asChild?: boolean;
  onSelect?: (event: Event) => void;
}

export function MenuItem({ icon: Icon, children, keys, danger, asChild, ...rest }: MenuItemProps) {
  if (asChild) return <Radix.Item asChild className={item} {...rest}>{children}</Radix.Item>;
  return (
    <Radix.Item className={cx(item, danger && "text-danger")} {...rest}>
      {Icon && <Icon aria-hidden="true" className={danger ? undefined : "text-muted"} />}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {keys && <Keys keys={keys} />}
    </Radix.Item>
  );
}

interface MenuChoiceProps<T extends string> {
  value: T;
  options: readonly { value: T; label: string; icon?: LucideIcon }[];
  onChange: (value: T) => void;
}

/** One of several, with the chosen one ticked. */
export function MenuChoice<T extends string>({ value, options, onChange }: MenuChoiceProps<T>) {
  return (
    <Radix.RadioGroup
      value={value}
      onValueChange={(next) => {
        const chosen = options.find((o) => o.value === next);
        if (chosen) onChange(chosen.value);
      }}
    >
      {options.map(({ value: v, label, icon: Icon }) => (
        <Radix.RadioItem key={v} value={v} className={item}>
          {Icon && <Icon aria-hidden="true" className="text-muted" />}
          <span className="min-w-0 flex-1 truncate">{label}</span>
          <Radix.ItemIndicator>
            <Check aria-hidden="true" className="size-4 text-accent-text" />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

/** Ticks that stay open, for a choice of several. */
export function MenuCheck({ checked, onChange, children, icon: Icon }: { checked: boolean; onChange: (on: boolean) => void; children: ReactNode; icon?: LucideIcon }) {
  return (
    <Radix.CheckboxItem checked={checked} onCheckedChange={onChange} onSelect={(event) => event.preventDefault()} className={item}>
      {Icon && <Icon aria-hidden="true" className="text-muted" />}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      <span className="grid size-4 place-items-center">
        <Radix.ItemIndicator>
          <Check aria-hidden="true" className="size-4 text-accent-text" />
        </Radix.ItemIndicator>
      </span>
    </Radix.CheckboxItem>
  );
}

export function MenuLine() {
  return <Radix.Separator className="my-1.25 h-px bg-line" />;
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-2 pb-1 text-xs font-medium text-faint">{children}</Radix.Label>;
}
