/** What every page of this installation says; the server writes it into the page. */
export interface Notices {
  signIn: string;
  answers: string;
  showAnswers: boolean;
  label: string;
  level: "none" | "low" | "medium" | "high";
  lockMinutes: number;
}

const unset: Notices = { signIn: "", answers: "", showAnswers: true, label: "", level: "none", lockMinutes: 0 };

const levels = ["none", "low", "medium", "high"] as const;

/** Reads what the server wrote; what is missing or strange is as if nobody had set it. */
export function readNotices(text: string | null | undefined): Notices {
  try {
    const found: unknown = JSON.parse(text || "null");
    const notices = record(record(found)["notices"]);
    const mark = record(notices["classification"]);
    return {
      signIn: words(notices["signIn"]),
      answers: words(notices["answers"]),
      showAnswers: notices["showAnswers"] !== false,
      label: words(mark["text"]),
      level: levels.find((level) => level === mark["level"]) ?? "none",
      lockMinutes: typeof notices["lockMinutes"] === "number" && notices["lockMinutes"] > 0 ? notices["lockMinutes"] : 0,
    };
  } catch {
    return unset;
  }
}

const record = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null ? { ...value } : {});
const words = (value: unknown): string => (typeof value === "string" ? value : "");

/** The notices of this page. */
export function pageNotices(): Notices {
  return readNotices(typeof document === "undefined" ? null : document.getElementById("bootstrap")?.textContent);
}
