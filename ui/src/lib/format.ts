import { useMemo } from "react";
import { useLanguage, type Language } from "./words";

/** A number with the separators of the language. */
export function formatNumber(language: Language, n: number): string {
  return new Intl.NumberFormat(language).format(n);
}

const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** A size of a file: 18.4 MB. Steps of 1,000, as file managers show it. */
export function formatBytes(language: Language, bytes: number): string {
  let n = bytes;
  let unit: (typeof units)[number] = "byte";
  for (const next of units.slice(1)) {
    if (n < 999.5) break;
    n /= 1000;
    unit = next;
  }
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: n < 10 && unit !== "byte" ? 1 : n < 100 && unit !== "byte" && unit !== "kilobyte" ? 1 : 0,
  }).format(n);
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, in the shortest words there are: now, 3 min, 2 h, 9 d. The symbols are the same in every language. */
export function formatAge(language: Language, then: string | number, now: number): string {
  const past = now - new Date(then).getTime();
  const short = (n: number, symbol: string) => `${formatNumber(language, Math.floor(n))}\u00a0${symbol}`;
  if (past < minute) return new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "narrow" }).format(0, "second");
  if (past < hour) return short(past / minute, "min");
  if (past < day) return short(past / hour, "h");
  if (past < 100 * day) return short(past / day, "d");
  return formatDate(language, then);
}

/** A day: 4 March 2026. */
export function formatDate(language: Language, at: string | number): string {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "long" }).format(new Date(at));
}

/** A day and a time of it: 4 Mar 2026, 14:32. */
export function formatTime(language: Language, at: string | number): string {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeStyle: "short" }).format(
    new Date(at),
  );
}

/** The same functions, tied to the language of the page. */
export function useFormat() {
  const language = useLanguage();
  return useMemo(
    () => ({
      number: (n: number) => formatNumber(language, n),
      bytes: (n: number) => formatBytes(language, n),
      age: (then: string | number) => formatAge(language, then, Date.now()),
      date: (at: string | number) => formatDate(language, at),
      time: (at: string | number) => formatTime(language, at),
    }),
    [language],
  );
}
