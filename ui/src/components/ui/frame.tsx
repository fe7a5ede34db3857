import { PanelLeft } from "lucide-react";
import { createContext, type ReactNode, useContext } from "react";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { IconButton } from "./icon-button";
import { uiWords } from "./words";

/** What a page may ask of the frame around it. */
export interface FrameControl {
  /** Whether the sidebar is beside the page now. */
  sidebar: boolean;
  openSidebar: () => void;
  /** Where the right panel is drawn, beside the main column. */
  panelSlot: HTMLElement | null;
}

export const FrameContext = createContext<FrameControl>({ sidebar: true, openSidebar: () => undefined, panelSlot: null });

export function useFrame(): FrameControl {
  return useContext(FrameContext);
}

interface TopbarProps {
  /** The name of the page or a breadcrumb; also give `heading` when it is the h1. */
  children?: ReactNode;
  actions?: ReactNode;
}

/** The 52 px bar over a page: the way to the sidebar, what this is, what it can do. */
export function Topbar({ children, actions }: TopbarProps) {
  const words = useWords(uiWords);
  const { sidebar, openSidebar } = useFrame();
  return (
    <header className={cx("flex h-topbar flex-none items-center gap-1 pe-3", sidebar ? "ps-6" : "ps-2")}>
      {!sidebar && <IconButton icon={PanelLeft} label={words.openSidebar} onClick={openSidebar} className="me-1" />}
      <div className="flex min-w-0 flex-1 items-center gap-1.5 font-medium">{children}</div>
      {actions}
    </header>
  );
}

/** The scrolling content of a page under its bar, at most 1,152 px wide. */
export function PageBody({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div className={cx("thin-scroll relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto px-4 pt-2 pb-8 frame:px-6", className)}>
      <div className="mx-auto w-full max-w-page">{children}</div>
    </div>
  );
}

/** The head of a page: its name, one sentence, its main act at the right. */
export function PageTitle({ title, lead, actions }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="mb-5 flex flex-wrap items-end gap-3">
      <div className="min-w-0 flex-1 basis-60">
        <h1 className="num text-2xl tracking-tight break-words">{title}</h1>
        {lead && <p className="mt-1 text-muted">{lead}</p>}
      </div>
      {actions}
    </div>
  );
}

/** A card with an optional head. Never a card inside a card. */
export function Card({ title, actions, children, className }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={cx("card min-w-0 rounded-m bg-raised px-5 py-4 card-edge", className)}>
      {(title || actions) && (
        <header className="mb-3 flex min-h-6 items-center gap-2">
          {title && <h2 className="min-w-0 flex-1 text-m">{title}</h2>}
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}
