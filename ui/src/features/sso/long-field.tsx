import { useId } from "react";
import { cx } from "@/lib/cx";

interface LongFieldProps {
  label: string;
  help: string;
  value: string;
  error?: string | undefined;
  onChange: (value: string) => void;
}

/** Text of many lines that is pasted: a certificate, metadata. */
export function LongField({ label, help, value, error, onChange }: LongFieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-s font-medium">{label}</label>
      <textarea
        id={id}
        value={value}
        rows={4}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? `${id}-error ${id}-help` : `${id}-help`}
        className={cx("block w-full rounded-s bg-raised px-2.75 py-2 font-mono text-xs text-text ring-edge focus-visible:outline-2 focus-visible:-outline-offset-1 focus-visible:outline-focus", error && "outline-danger")}
        onChange={(event) => onChange(event.target.value)}
      />
      {error && <p id={`${id}-error`} className="mt-1.5 text-s text-danger">{error}</p>}
      <p id={`${id}-help`} className="mt-1.5 text-s text-muted">{help}</p>
    </div>
  );
}
