import * as Radix from "@radix-ui/react-dialog";
import type { ReactNode } from "react";
import { useWords } from "@/lib/words";
import { appWords } from "./words";

/** The sidebar on a phone: over the page, from the side where reading starts. */
export function Drawer({ open, onClose, children }: { open: boolean; onClose: () => void; children: ReactNode }) {
  const words = useWords(appWords);
  return (
    <Radix.Root open={open} onOpenChange={(on) => !on && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-30 bg-scrim" />
        <Radix.Content
          aria-describedby=""
          tabIndex={-1}
          // On the drawer itself: the first button in it is the one that closes it.
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          className="from-start fixed inset-y-0 start-0 z-30 w-[min(20rem,calc(100vw-4rem))] shadow-3 outline-none"
        >
          <Radix.Title className="unseen">{words.mainNavigation}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
