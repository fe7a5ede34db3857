import { CircleCheck, CircleX } from "lucide-react";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import type { Step } from "./queries";
import { ssoWords } from "./words";

/** The steps of a test or a trial: what was asked, and what came back. */
export function Steps({ steps }: { steps: readonly Step[] }) {
  const words = useWords(ssoWords);
  const format = useFormat();
  return (
    <ol className="grid grid-cols-1 gap-3">
      {steps.map((step, index) => (
        <li key={`${index} ${step.name}`} className="flex items-start gap-2">
          {step.ok ? (
            <CircleCheck aria-hidden="true" className="mt-0.5 size-4 flex-none text-success" />
          ) : (
            <CircleX aria-hidden="true" className="mt-0.5 size-4 flex-none text-danger" />
          )}
          <div className="min-w-0 flex-1">
            <p>
              <span className="font-medium">{words.steps[step.name] ?? step.name}</span>
              <span className="unseen"> {step.ok ? words.done : words.wentWrong}</span>{" "}
              <span className="text-s wrap-anywhere text-muted">{step.query}</span>
            </p>
            {step.error && <p className="mt-1 wrap-anywhere">{step.error} <span className="text-muted">{step.cure}</span></p>}
            {step.ok && step.answer && <pre className="mt-1 font-mono text-xs whitespace-pre-wrap wrap-anywhere text-muted">{step.answer}</pre>}
          </div>
          <span className="num flex-none text-s text-muted">{words.ms(format.number(step.millis))}</span>
        </li>
      ))}
    </ol>
  );
}
