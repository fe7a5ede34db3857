import type { Language } from "./words";

/** The name of a language in another one: "de" is German in English. */
export function nameOfLanguage(language: Language, code: string): string {
  try {
    return new Intl.DisplayNames(language, { type: "language", fallback: "none" }).of(code) ?? "";
  } catch {
    // What is no code of a language has no name.
    return "";
  }
}
