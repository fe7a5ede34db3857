import { CircleCheck, CircleX } from "lucide-react";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Spinner } from "@/components/ui/spinner";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Report, type Server, useTest } from "./queries";
import { modelWords } from "./words";

/** Tests a server and says what went well, step by step. */
export function TestDialog({ server, onClose }: { server: Server; onClose: () => void }) {
  const words = useWords(modelWords);
  const test = useTest();
  const { mutate } = test;
  useEffect(() => mutate({ id: server.id }), [mutate, server.id]);
  return (
    <Dialog open onClose={onClose} title={words.testTitle(server.name)}>
      {test.error ? <ErrorPanel error={test.error} retry={() => mutate({ id: server.id })} /> : <TestSteps pending={!test.data} report={test.data} />}
      <DialogActions>
        <Button busy={test.isPending} onClick={() => mutate({ id: server.id })}>{words.test}</Button>
        <Button kind="primary" data-first-focus onClick={onClose}>{words.close}</Button>
      </DialogActions>
    </Dialog>
  );
}

export function TestSteps({ pending, report }: { pending: boolean; report: Report | undefined }) {
  const words = useWords(modelWords);
  const format = useFormat();
  return (
    <div role="status" className="rounded-m bg-sunken px-4 py-3">
      {pending || !report ? (
        <p className="flex items-center gap-2"><Spinner />{words.testRuns}</p>
      ) : (
        <>
          <ul className="grid grid-cols-1 gap-2">
            {report.steps.map((step) => (
              <li key={step.name} className="flex items-start gap-2">
                {step.ok ? (
                  <CircleCheck aria-hidden="true" className="mt-0.5 size-4 flex-none text-success" />
                ) : (
                  <CircleX aria-hidden="true" className="mt-0.5 size-4 flex-none text-danger" />
                )}
                <span className="min-w-0 flex-1">
                  <span className="font-medium">{words.steps[step.name] ?? step.name}</span>{" "}
                  <span className="unseen">{step.ok ? words.stepDone : words.stepFailed}</span> <span className="wrap-anywhere">{step.detail}</span>{" "}
                  {step.cure && <span className="text-muted">{step.cure}</span>}
                </span>
                <span className="num flex-none text-s text-muted">{words.ms(format.number(step.ms))}</span>
              </li>
            ))}
          </ul>
          {report.tokensPerSecond > 0 && (
            <p className="num mt-2 border-t border-line pt-2 text-s text-muted">
              {words.speed(format.number(Math.round(report.tokensPerSecond * 10) / 10), format.number(report.firstTokenMs))}
            </p>
          )}
        </>
      )}
    </div>
  );
}
