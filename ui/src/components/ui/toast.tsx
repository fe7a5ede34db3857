import { Check } from "lucide-react";
import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from "react";
import { useWords } from "@/lib/words";
import { uiWords } from "./words";

interface Toast {
  id: number;
  text: string;
  undo: (() => void) | undefined;
}

const ToastContext = createContext<(text: string, undo?: () => void) => void>(() => undefined);
const stays = 5_000;

/** Holds the toasts. They tell success only; errors stand where they happened. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const words = useWords(uiWords);
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const show = useCallback((text: string, undo?: () => void) => {
    const id = next.current++;
    setToasts((all) => [...all.slice(-2), { id, text, undo }]);
  }, []);
  const drop = useCallback((id: number) => setToasts((all) => all.filter((t) => t.id !== id)), []);
  return (
    <ToastContext value={show}>
      {children}
      <div
        role="region"
        aria-label={words.notices}
        className="pointer-events-none fixed inset-x-0 bottom-0 z-60 grid justify-items-center gap-2 p-4 pb-[max(1rem,env(safe-area-inset-bottom))]"
      >
        <div role="status" aria-live="polite" className="contents">
          {toasts.map((toast) => (
            <Line key={toast.id} toast={toast} undo={words.undo} drop={drop} />
          ))}
        </div>
      </div>
    </ToastContext>
  );
}

function Line({ toast, undo, drop }: { toast: Toast; undo: string; drop: (id: number) => void }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => drop(toast.id), stays);
    return () => clearTimeout(timer);
  }, [held, drop, toast.id]);
  const hold = { onMouseEnter: () => setHeld(true), onMouseLeave: () => setHeld(false), onFocus: () => setHeld(true), onBlur: () => setHeld(false) };
  return (
    <div className="toast pop-in pointer-events-auto flex min-h-11 max-w-full items-center gap-2.5 rounded-pop bg-text ps-3.5 pe-2 text-surface shadow-3" {...hold}>
      <Check aria-hidden="true" />
      <span className="min-w-0 py-2 pe-1.5">{toast.text}</span>
      {toast.undo && (
        <button
          type="button"
          className="rounded-s px-2 py-1 font-strong underline underline-offset-2 outline-offset-0"
          onClick={() => {
            toast.undo?.();
            drop(toast.id);
          }}
        >
          {undo}
        </button>
      )}
    </div>
  );
}

/** Tells that something worked: `toast("Chat deleted", () => restore())`. */
export function useToast(): (text: string, undo?: () => void) => void {
  return useContext(ToastContext);
}
