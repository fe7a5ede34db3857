import { Check, Circle } from "lucide-react";
import { cx } from "@/lib/cx";
import { useWords } from "@/lib/words";
import { leastLength, type PasswordRules } from "./rules";
import { loginWords } from "./words";

/** What a password must keep, ticked off while it is typed. */
export function PasswordRulesList({ rules }: { rules: PasswordRules }) {
  const words = useWords(loginWords);
  const lines = [
    { text: words.ruleLength(leastLength), met: rules.length },
    { text: words.ruleOwn, met: rules.own },
  ];
  return (
    <ul className="grid gap-1">
      {lines.map(({ text, met }) => {
        const Icon = met ? Check : Circle;
        return (
          <li key={text} className={cx("flex items-center gap-1.75", met && "text-success")}>
            <Icon aria-hidden="true" className={met ? "size-3.75" : "size-3.75 p-0.75"} />
            {text}
            <span className="unseen">, {met ? words.ruleMet : words.ruleOpen}</span>
          </li>
        );
      })}
    </ul>
  );
}
