import { Check, Circle } from "lucide-react";
import type { ComponentProps } from "react";
import { PasswordField } from "@/components/ui/field";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { checkPassword, leastLength, type PasswordOwner, type PasswordRules } from "./rules";
import { passwordWords } from "./words";

/** What is wrong with a new password, as a sentence; undefined when nothing is. */
export function usePasswordError(password: string, owner: PasswordOwner): string | undefined {
  const words = useWords(passwordWords);
  const rules = checkPassword(password, owner);
  if (!password) return words.missing;
  return rules.length && rules.own ? undefined : words.broken;
}

interface NewPasswordFieldProps extends Omit<ComponentProps<typeof PasswordField>, "autoComplete" | "help" | "value"> {
  value: string;
  owner: PasswordOwner;
}

/** A new password, with the rules under it that are ticked off while it is typed. */
export function NewPasswordField({ value, owner, ...rest }: NewPasswordFieldProps) {
  return (
    <PasswordField autoComplete="new-password" value={value} help={<Rules rules={checkPassword(value, owner)} />} {...rest} />
  );
}

function Rules({ rules }: { rules: PasswordRules }) {
  const words = useWords(passwordWords);
  const lines = [
    { text: words.length(leastLength), met: rules.length },
    { text: words.own, met: rules.own },
  ];
  return (
    <ul className="grid gap-1">
      {lines.map(({ text, met }) => {
        const Icon = met ? Check : Circle;
        return (
          <li key={text} className={cx("flex items-center gap-1.75", met && "text-success")}>
            <Icon aria-hidden="true" className={met ? "size-3.75" : "size-3.75 p-0.75"} />
            {text}
            <span className="unseen">, {met ? words.met : words.open}</span>
          </li>
        );
      })}
    </ul>
  );
}
