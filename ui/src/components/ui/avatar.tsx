import { cx } from "@/lib/cx";

/** The first letters of a name. No pictures: they would come from elsewhere. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter((w) => /\p{L}|\p{N}/u.test(w));
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((w) => [...(w ?? "")][0] ?? "").join("").toUpperCase() || "?";
}

export function Avatar({ name, quiet, className }: { name: string; quiet?: boolean; className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={cx(
        "grid flex-none place-items-center rounded-full font-strong tracking-normal",
        quiet ? "size-6.5 bg-selected text-2xs text-muted" : "size-7.5 bg-accent-soft text-xs text-accent-text",
        className,
      )}
    >
      {initials(name)}
    </span>
  );
}
