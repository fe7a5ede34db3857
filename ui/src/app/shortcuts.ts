import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

const apple = () => /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The keys of the search, as this keyboard names them. */
export function searchKeys(): string {
  return apple() ? "⌘ K" : "Ctrl K";
}

interface Shortcuts {
  search: () => void;
  sidebar: () => void;
}

/** The keys that work on every page. */
export function useShortcuts(acts: Shortcuts): void {
  const navigate = useNavigate();
  const latest = useRef(acts);
  useEffect(() => {
    latest.current = acts;
  });
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.defaultPrevented || event.altKey || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      const act =
        key === "k" && !event.shiftKey
          ? latest.current.search
          : key === "s" && event.shiftKey
            ? latest.current.sidebar
            : key === "o" && event.shiftKey
              ? () => void navigate({ to: "/" })
              : key === "." && !event.shiftKey
                ? () => void navigate({ to: "/profile" })
                : null;
      if (!act) return;
      event.preventDefault();
      act();
    }
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [navigate]);
}
