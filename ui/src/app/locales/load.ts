import { useEffect, useState } from "react";
import type { Language } from "@/lib/words";

const files: Record<Exclude<Language, "en">, () => Promise<unknown>> = {
  de: () => import("./de"),
  fr: () => import("./fr"),
};
const loaded = new Set<Language>(["en"]);

/** Fetches the sentences of a language once. English is always there. */
export async function loadLocale(language: Language): Promise<void> {
  if (language === "en" || loaded.has(language)) return;
  await files[language]();
  loaded.add(language);
}

/**
 * The language that can be shown now: the wanted one as soon as its sentences are
 * here, until then the last one, and English when they cannot be fetched.
 */
export function useLocale(wanted: Language): Language | null {
  const [language, setLanguage] = useState<Language | null>(loaded.has(wanted) ? wanted : null);
  useEffect(() => {
    let current = true;
    loadLocale(wanted).then(
      () => current && setLanguage(wanted),
      () => current && setLanguage((last) => last ?? "en"),
    );
    return () => {
      current = false;
    };
  }, [wanted]);
  useEffect(() => {
    if (language) document.documentElement.lang = language;
  }, [language]);
  return language;
}
