import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { createPortal } from "react-dom";
import { cx } from "@/lib/cx";
import { narrow, phone, useMedia } from "@/lib/use-media";
import { useWords } from "@/lib/words";
import { useFrame } from "./frame";
import { IconButton } from "./icon-button";
import { uiWords } from "./words";

interface PanelProps {
  open: boolean;
  onClose: () => void;
  /** The name of the region; it is shown unless `head` is given. */
  title: string;
  /** What stands in the 52 px head instead of the name. */
  head?: ReactNode;
  children: ReactNode;
}

/**
 * The panel at the end side: beside the page when there is room (440 px), over it
 * below 1,100 px, a sheet from the bottom on phones.
 */
export function Panel({ open, onClose, title, head, children }: PanelProps) {
  const words = useWords(uiWords);
  const onPhone = useMedia(phone);
  const over = useMedia(narrow);
  const { panelSlot } = useFrame();
  if (!open) return null;

  const close = <IconButton icon={X} label={words.close} onClick={onClose} />;
  if (!over) {
    if (!panelSlot) return null;
    return createPortal(
      <aside aria-label={title} className="flex h-full w-panel min-h-0 flex-none flex-col border-s border-line bg-sunken">
        <header className="flex h-topbar flex-none items-center gap-1 ps-4 pe-3">
          <div className="flex min-w-0 flex-1 items-center gap-2 font-medium">{head ?? title}</div>
          {close}
        </header>
        {children}
      </aside>,
      panelSlot,
    );
  }
  return (
    <Radix.Root open onOpenChange={(on) => !on && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-30 bg-scrim" />
        <Radix.Content
          aria-describedby=""
          tabIndex={-1}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          className={cx(
            "fixed z-30 flex min-h-0 flex-col bg-sunken outline-none",
            onPhone
              ? "from-bottom inset-x-0 bottom-0 h-[78dvh] rounded-t-l pb-[env(safe-area-inset-bottom)] shadow-3"
              : "from-end inset-y-0 end-0 w-panel max-w-[92vw] border-s border-line shadow-3",
          )}
        >
          {onPhone && <span aria-hidden="true" className="mx-auto mt-2 h-1 w-9 rounded-full bg-edge" />}
          <header className="flex h-topbar flex-none items-center gap-1 ps-4 pe-3">
            <Radix.Title className={head ? "unseen" : "min-w-0 flex-1 truncate text-m font-medium"}>{title}</Radix.Title>
            {head && <div className="flex min-w-0 flex-1 items-center gap-2 font-medium">{head}</div>}
            {close}
          </header>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
