import { cx } from "@/lib/cx";

/** Keys of the keyboard, as "Ctrl K". */
export function Keys({ keys, className }: { keys: string; className?: string }) {
  return (
    <kbd className={cx("rounded-xs px-1.25 py-0.75 font-text text-xs leading-none font-medium whitespace-nowrap text-faint ring-line", className)}>
      {keys}
    </kbd>
  );
}
