import { createContext, useContext, type ReactNode } from "react";

/** The languages that ship. English is the original and is always complete. */
export const languages = ["en", "de", "fr"] as const;
export type Language = (typeof languages)[number];

/** The languages in their own words, for the choice in the profile. */
export const languageNames: Record<Language, string> = { en: "English", de: "Deutsch", fr: "Français" };

/**
 * Catalogue holds the sentences of one part of the interface. English stands
 * beside the code that shows it; a translation has exactly the same shape, so a
 * missing sentence does not compile. A sentence with a number in it is a function.
 */
export class Catalogue<T> {
  readonly english: T;
  readonly #translated = new Map<Language, T>();

  constructor(english: T) {
    this.english = english;
  }

  /** Adds a translation; called by the lazily loaded files in app/locales. */
  put(language: Language, words: T): void {
    this.#translated.set(language, words);
  }

  in(language: Language): T {
    return this.#translated.get(language) ?? this.english;
  }
}

const LanguageContext = createContext<Language>("en");

export function LanguageProvider({ language, children }: { language: Language; children: ReactNode }) {
  return <LanguageContext value={language}>{children}</LanguageContext>;
}

/** The language that the page is shown in now. */
export function useLanguage(): Language {
  return useContext(LanguageContext);
}

/** The sentences of a catalogue in the current language. */
export function useWords<T>(catalogue: Catalogue<T>): T {
  return catalogue.in(useContext(LanguageContext));
}
