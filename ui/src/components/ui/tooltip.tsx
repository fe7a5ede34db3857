import * as Radix from "@radix-ui/react-tooltip";
import type { ReactNode } from "react";
import { Keys } from "./keys";
import { TipContext, type TipProps } from "./tip-context";

/** Stands once around the application: tooltips after the first come at once. */
export function TooltipProvider({ children }: { children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={450} skipDelayDuration={250}>
      <TipContext value={withTooltip}>{children}</TipContext>
    </Radix.Provider>
  );
}

const withTooltip = (props: TipProps) => <Tooltip {...props} />;

/** Names what a person points at. It never holds anything that is said nowhere else. */
export function Tooltip({ text, keys, side = "bottom", children }: TipProps) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="fade-in z-50 flex max-w-80 items-center gap-2 rounded-s bg-text px-2.5 py-1.5 text-s text-surface shadow-2"
        >
          {text}
          {keys && <Keys className="text-inherit opacity-80" keys={keys} />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
