import { CircleAlert, Eye, EyeOff, type LucideIcon } from "lucide-react";
import { type ComponentProps, type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { IconButton } from "./icon-button";
import { uiWords } from "./words";

interface FieldProps {
  label: string;
  /** One grey line under the label's control. */
  help?: ReactNode | undefined;
  /** What is wrong with it, from the server or the page. */
  error?: string | undefined;
  /** The label is read out but not shown: a search box says it by its icon. */
  hideLabel?: boolean | undefined;
}

interface ShellProps extends FieldProps {
  id: string;
  className?: string | undefined;
  children: ReactNode;
}

const box = "input flex h-control items-center gap-2 rounded-s bg-raised px-2.75 text-text ring-edge focus-within:outline-2 focus-within:-outline-offset-1 focus-within:outline-focus has-disabled:bg-sunken has-disabled:text-off has-disabled:ring-line";
const wrong = "outline-danger shadow-[inset_0_0_0_1px_var(--danger)]!";
const input = "h-full min-w-0 flex-1 bg-transparent outline-none";

function Shell({ id, label, help, error, hideLabel, className, children }: ShellProps) {
  return (
    <div className={className}>
      <label htmlFor={id} className={hideLabel ? "unseen" : "mb-1.5 block text-s font-medium"}>{label}</label>
      {children}
      <Under id={id} help={help} error={error} />
    </div>
  );
}

function Under({ id, help, error }: { id: string; help?: ReactNode; error?: string | undefined }) {
  return (
    <>
      {error && (
        <p id={`${id}-error`} className="mt-1.5 flex items-start gap-1.5 text-s text-danger">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-3.75" />
          {error}
        </p>
      )}
      {help && <div id={`${id}-help`} className="mt-1.5 text-s text-muted">{help}</div>}
    </>
  );
}

const describes = (id: string, { error, help }: FieldProps) =>
  [error && `${id}-error`, help && `${id}-help`].filter(Boolean).join(" ") || undefined;

interface TextFieldProps extends FieldProps, Omit<ComponentProps<"input">, "id" | "children"> {
  icon?: LucideIcon;
}

/** A line of text with its label, help and error tied to it. */
export function TextField({ label, help, error, hideLabel, icon: Icon, className, ...rest }: TextFieldProps) {
  const id = useId();
  return (
    <Shell {...{ id, label, help, error, hideLabel, className }}>
      <div className={cx(box, error && wrong)}>
        {Icon && <Icon aria-hidden="true" className="text-muted" />}
        <input id={id} className={input} aria-invalid={error ? true : undefined} aria-describedby={describes(id, { label, help, error })} {...rest} />
      </div>
    </Shell>
  );
}

interface PasswordFieldProps extends FieldProps, Omit<ComponentProps<"input">, "id" | "children" | "type"> {
  /** Whether it is an old password or a new one; the browser's own keeper asks. */
  autoComplete: "current-password" | "new-password";
}

/** A password that can be shown, and that says when Caps Lock is on. */
export function PasswordField({ label, help, error, hideLabel, className, onKeyDown, onKeyUp, onBlur, ...rest }: PasswordFieldProps) {
  const words = useWords(uiWords);
  const id = useId();
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  const look = (event: KeyboardEvent) => setCaps(event.getModifierState("CapsLock"));
  return (
    <Shell {...{ id, label, error, hideLabel, className }} help={caps ? <><span role="status" className="block text-warning">{words.capsLock}</span>{help}</> : help}>
      <div className={cx(box, "pe-1", error && wrong)}>
        <input
          id={id}
          type={shown ? "text" : "password"}
          className={input}
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          aria-invalid={error ? true : undefined}
          aria-describedby={describes(id, { label, help: caps || help, error })}
          onKeyDown={(event) => {
            look(event);
            onKeyDown?.(event);
          }}
          onKeyUp={(event) => {
            look(event);
            onKeyUp?.(event);
          }}
          onBlur={(event) => {
            setCaps(false);
            onBlur?.(event);
          }}
          {...rest}
        />
        <IconButton
          small
          icon={shown ? EyeOff : Eye}
          label={shown ? words.hidePassword : words.showPassword}
          onClick={() => setShown(!shown)}
        />
      </div>
    </Shell>
  );
}

interface SelectFieldProps<T extends string> extends FieldProps {
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  disabled?: boolean;
  className?: string;
}

/** The system's own select: it is the one every phone and screen reader knows. */
export function SelectField<T extends string>({ label, help, error, hideLabel, value, options, onChange, disabled, className }: SelectFieldProps<T>) {
  const id = useId();
  return (
    <Shell {...{ id, label, help, error, hideLabel, className }}>
      <div className={cx(box, "px-0!", error && wrong)}>
        <select
          id={id}
          value={value}
          disabled={disabled}
          className={cx(input, "cursor-pointer rounded-s ps-1.75 pe-2 [&>option]:bg-raised [&>option]:text-text")}
          aria-invalid={error ? true : undefined}
          aria-describedby={describes(id, { label, help, error })}
          onChange={(event) => {
            const chosen = options.find((o) => o.value === event.target.value);
            if (chosen) onChange(chosen.value);
          }}
        >
          {options.map((o) => <option key={o.value} value={o.value}>{o.label}</option>)}
        </select>
      </div>
    </Shell>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string; help?: string; icon?: LucideIcon }[];
  onChange: (value: T) => void;
}

/** A few choices side by side, as one set of radio buttons. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset className="min-w-0">
      <legend className="unseen">{label}</legend>
      <div className={cx("max-w-full gap-0.5 rounded-s bg-sunken p-0.75 ring-line", options.length > 3 ? "inline-flex max-frame:grid max-frame:grid-cols-2" : "inline-flex flex-wrap")}>
        {options.map(({ value: v, label: text, icon: Icon }) => (
          <label
            key={v}
            className="relative inline-flex h-[calc(var(--control)-0.375rem)] items-center gap-1.75 rounded-[0.375rem] px-2.75 font-medium text-muted transition-[background,color] duration-fast hover:text-text has-checked:bg-raised has-checked:text-text has-checked:card-edge has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-focus"
          >
            <input type="radio" name={name} value={v} checked={v === value} onChange={() => onChange(v)} className="unseen" />
            {Icon && <Icon aria-hidden="true" className="size-4" />}
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface CheckFieldProps {
  label: ReactNode;
  help?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

/** One tick with its sentence. */
export function CheckField({ label, help, checked, disabled, onChange }: CheckFieldProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        aria-describedby={help ? `${id}-help` : undefined}
        className="mt-0.5 size-4 flex-none accent-accent"
      />
      <div className="min-w-0">
        <label htmlFor={id}>{label}</label>
        {help && <p id={`${id}-help`} className="text-s text-muted">{help}</p>}
      </div>
    </div>
  );
}
