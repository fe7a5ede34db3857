import { type ReactNode, useState } from "react";
import { ErrorPanel } from "@/components/ui/error-panel";
import { pageNotices } from "@/lib/notices";
import { useWords } from "@/lib/words";
import { chatWords } from "./words";

interface DockProps {
  children: ReactNode;
  error: unknown;
  title: string | undefined;
  retry: (() => void) | undefined;
}

/** Where the composer stands below a chat, with what went wrong right above it. */
export function Dock({ children, error, title, retry }: DockProps) {
  const words = useWords(chatWords);
  const [notices] = useState(pageNotices);
  return (
    <div className="flex-none px-3 pt-1 pb-[max(0.5rem,env(safe-area-inset-bottom))] frame:px-6 frame:pb-3">
      <div className="mx-auto w-full max-w-column">
        {error ? <div className="mb-2"><ErrorPanel error={error} {...(title ? { title } : {})} {...(retry ? { retry } : {})} /></div> : null}
        {children}
        {notices.showAnswers && <p dir="auto" className="mt-2 text-center text-xs text-faint">{notices.answers || words.foot}</p>}
      </div>
    </div>
  );
}
