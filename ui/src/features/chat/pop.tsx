import * as Popover from "@radix-ui/react-popover";
import type { MouseEventHandler, ReactElement, ReactNode } from "react";

export interface PopProps {
  /** The button that opens it. */
  trigger: ReactElement<{ onClick?: MouseEventHandler; "aria-haspopup"?: "dialog"; "aria-expanded"?: boolean }>;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Names what floats. */
  label: string;
  align?: "start" | "end";
  className: string;
  children: ReactNode;
}

/** What floats beside its button. It comes with the first press of one, see pop-button. */
export default function Pop({ trigger, open, onOpenChange, label, align = "start", className, children }: PopProps) {
  return (
    <Popover.Root open={open} onOpenChange={onOpenChange}>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content side="top" align={align} sideOffset={8} collisionPadding={8} aria-label={label} className={`pop-in z-50 max-w-[calc(100vw-1rem)] rounded-pop bg-raised outline-none float-edge ${className}`}>
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
