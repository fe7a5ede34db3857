import * as Radix from "@radix-ui/react-dialog";
import { Maximize2, X } from "lucide-react";
import { useState } from "react";
import { IconButton } from "@/components/ui/icon-button";
import { uiWords } from "@/components/ui/words";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { richWords } from "./words";

interface LightboxProps {
  src: string;
  alt: string;
  onClose: () => void;
}

/** A picture over the whole window: fitted to it, or in its own size to scroll in. */
export default function Lightbox({ src, alt, onClose }: LightboxProps) {
  const words = useWords(richWords);
  const ui = useWords(uiWords);
  const [actual, setActual] = useState(false);
  return (
    <Radix.Root open onOpenChange={(on) => !on && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-scrim" />
        <Radix.Content aria-describedby="" className="fixed inset-2 z-40 flex flex-col rounded-m bg-raised float-edge frame:inset-6">
          <header className="flex h-topbar flex-none items-center gap-1 ps-5 pe-3">
            <Radix.Title className="min-w-0 flex-1 truncate text-m font-medium">{alt}</Radix.Title>
            <IconButton icon={Maximize2} label={words.actualSize} pressed={actual} onClick={() => setActual(!actual)} />
            <IconButton icon={X} label={ui.close} onClick={onClose} />
          </header>
          {/* It scrolls, so the keyboard must be able to reach it. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <div role="region" aria-label={alt} tabIndex={0} className="thin-scroll min-h-0 flex-1 overflow-auto rounded-b-m bg-paper p-4">
            <img src={src} alt={alt} className={cx("m-auto", actual ? "max-w-none" : "h-full w-full object-contain")} />
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
