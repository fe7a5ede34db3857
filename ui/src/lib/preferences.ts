import { useSyncExternalStore } from "react";
import { languages, type Language } from "./words";

export const themes = ["system", "light", "dark", "contrast"] as const;
export type Theme = (typeof themes)[number];
export const sizes = ["normal", "large", "larger"] as const;
export type Size = (typeof sizes)[number];

/** Look is all that this browser remembers: no content, no names. */
export interface Look {
  theme: Theme;
  size: Size;
  /** Empty until somebody chose: then the browser's own language counts. */
  language: Language | "";
}

// public/theme.js reads the same key before the first paint.
const key = "chatets.look";
const unset: Look = { theme: "system", size: "normal", language: "" };

function read(): Look {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    if (typeof saved !== "object" || saved === null) return unset;
    const entry: Record<string, unknown> = { ...saved };
    return {
      theme: themes.find((t) => t === entry["theme"]) ?? unset.theme,
      size: sizes.find((s) => s === entry["size"]) ?? unset.size,
      language: languages.find((l) => l === entry["language"]) ?? unset.language,
    };
  } catch {
    return unset;
  }
}

let current = read();
const listeners = new Set<() => void>();

const asks = (query: string) => typeof matchMedia === "function" && matchMedia(query).matches;

/** The theme that is shown when the system decides. */
function resolve(theme: Theme): Exclude<Theme, "system"> {
  if (theme !== "system") return theme;
  return asks("(prefers-contrast: more)") ? "contrast" : asks("(prefers-color-scheme: dark)") ? "dark" : "light";
}

function apply(look: Look): void {
  const root = document.documentElement;
  root.dataset["theme"] = resolve(look.theme);
  if (look.size === "normal") delete root.dataset["size"];
  else root.dataset["size"] = look.size;
}

/** Changes the look at once, here and in every other tab. */
export function setLook(change: Partial<Look>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(key, JSON.stringify(current));
  } catch {
    // A blocked store: the choice lasts as long as the page.
  }
  apply(current);
  for (const tell of listeners) tell();
}

/** Follows the system and the other tabs; called once, when the page starts. */
export function watchLook(): void {
  apply(current);
  for (const query of ["(prefers-contrast: more)", "(prefers-color-scheme: dark)"]) {
    if (typeof matchMedia === "function") matchMedia(query).addEventListener("change", () => apply(current));
  }
  addEventListener("storage", (event) => {
    if (event.key !== key) return;
    current = read();
    apply(current);
    for (const tell of listeners) tell();
  });
}

export function useLook(): Look {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => current,
  );
}

/** The language to show: the chosen one, else the browser's, else English. */
export function chosenLanguage(look: Look): Language {
  return look.language || (languages.find((l) => navigator.language.toLowerCase().startsWith(l)) ?? "en");
}
