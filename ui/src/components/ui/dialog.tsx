import * as Radix from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { Button } from "./button";
import { ErrorPanel } from "./error-panel";
import { IconButton } from "./icon-button";
import { uiWords } from "./words";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** One or two sentences under the title, read out with it. */
  lead?: ReactNode;
  children?: ReactNode;
  wide?: boolean;
  /** Only a choice inside ends it: no cross, no Escape, no click beside it. */
  mustChoose?: boolean;
  /** Nothing of the page behind it can be seen. */
  cover?: boolean;
}

export function Dialog({ open, onClose, title, lead, children, wide, mustChoose, cover }: DialogProps) {
  const words = useWords(uiWords);
  const content = useRef<HTMLDivElement>(null);
  const stay = mustChoose ? (event: Event) => event.preventDefault() : undefined;
  return (
    <Radix.Root open={open} onOpenChange={(on) => !on && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={cx("fixed inset-0 z-40", cover ? "bg-sunken" : "fade-in bg-scrim")} />
        <div className="pointer-events-none fixed inset-0 z-40 grid grid-cols-[minmax(0,1fr)] place-items-center p-4">
          <Radix.Content
            ref={content}
            aria-describedby={lead ? undefined : ""}
            onOpenAutoFocus={(event) => {
              const first = content.current?.querySelector<HTMLElement>("[data-first-focus]");
              if (!first) return;
              event.preventDefault();
              first.focus();
            }}
            onEscapeKeyDown={stay}
            onInteractOutside={stay}
            className={cx("pop-in pointer-events-auto relative flex max-h-[calc(100dvh-2rem)] w-full flex-col rounded-m bg-raised float-edge", wide ? "max-w-[40rem]" : "max-w-[27rem]")}
          >
            <Radix.Title className={cx("px-6 pt-6 pb-2 text-xl tracking-tight break-words", !mustChoose && "pe-14")}>{title}</Radix.Title>
            {/* What does not fit scrolls between the title and the buttons; the field in use is never under them. */}
            <div className="thin-scroll min-h-0 scroll-pb-32 overflow-y-auto rounded-b-m px-6 pb-6">
              {lead && <Radix.Description asChild><div className="text-muted">{lead}</div></Radix.Description>}
              {children && <div className={lead ? "mt-4" : "mt-2"}>{children}</div>}
            </div>
            {!mustChoose && (
              <IconButton icon={X} label={words.close} className="absolute end-4 top-4" onClick={onClose} />
            )}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

/**
 * The row of buttons at the foot of a dialog: it stays in view, unless the window is too low for that.
 * It reaches over the dialog's own padding, so that nothing shows below it.
 */
export function DialogActions({ children }: { children: ReactNode }) {
  return (
    <div className="sticky -bottom-6 mt-2 -mb-6 flex flex-wrap justify-end gap-2 bg-raised pt-4 pb-6 before:pointer-events-none before:absolute before:inset-x-0 before:bottom-full before:h-4 before:bg-linear-to-t before:from-raised before:to-transparent [@media(max-height:30rem)]:static">
      {children}
    </div>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  /** The question: "Delete Energy centre?" */
  title: string;
  /** What is lost and what stays. */
  children: ReactNode;
  /** The safe way out: "Keep it". The focus starts here. */
  keep: string;
  /** Repeats verb and count: "Delete 51 documents". */
  act: string;
  onAct: () => void;
  busy?: boolean;
  error?: unknown;
}

/** Asks before what cannot be undone; everything else has Undo instead. */
export function Confirm({ open, onClose, title, children, keep, act, onAct, busy, error }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title} lead={children} mustChoose={busy ?? false}>
      {error ? <ErrorPanel error={error} /> : null}
      <DialogActions>
        <Button data-first-focus onClick={onClose}>{keep}</Button>
        <Button kind="danger" busy={busy ?? false} onClick={onAct}>{act}</Button>
      </DialogActions>
    </Dialog>
  );
}
