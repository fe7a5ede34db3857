import { useMutation } from "@tanstack/react-query";
import { CircleCheck, CircleX } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PasswordField, TextField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import { directoryWords } from "./words";

/** Asks a directory all that a sign-in asks, and shows each literal question with its answer. */
export function TestSteps({ id }: { id: string }) {
  const words = useWords(directoryWords);
  const [person, setPerson] = useState("");
  const [password, setPassword] = useState("");
  const test = useMutation({
    mutationFn: () =>
      body(api.POST("/api/directories/{id}/test", { params: { path: { id } }, body: { ...(person.trim() && { person: person.trim() }), ...(password && { password }) } })),
    onSettled: () => setPassword(""),
  });
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!test.isPending) test.mutate();
  }
  return (
    <section aria-label={words.test} className="grid gap-3 rounded-m bg-sunken p-4">
      <form noValidate onSubmit={submit} className="grid gap-3 sm:grid-cols-2">
        <TextField label={words.testPerson} help={words.testPersonHelp} name="person" autoComplete="off" value={person} onChange={(event) => setPerson(event.target.value)} />
        <PasswordField label={words.testPassword} help={words.testPasswordHelp} name="person-password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        <div><Button type="submit" kind="primary" busy={test.isPending}>{words.runTest}</Button></div>
      </form>
      {test.error && <ErrorPanel error={test.error} />}
      {test.data && (
        <ol aria-live="polite" className="grid gap-2">
          {test.data.steps.map((step) => (
            <li key={step.name} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2">
              {step.ok ? <CircleCheck aria-label={words.stepOk} className="mt-0.5 size-4.5 text-success" /> : <CircleX aria-label={words.stepFailed} className="mt-0.5 size-4.5 text-danger" />}
              <div className="min-w-0">
                <p className="font-medium">{words.steps[step.name]} <span className="num text-s font-normal text-muted">{words.millis(step.millis)}</span></p>
                <p className="text-s break-words"><code>{step.query}</code></p>
                {step.answer && <p className="text-s break-words whitespace-pre-wrap text-muted">{step.answer}</p>}
                {step.error && <p className="text-s text-danger">{step.error} {step.cure}</p>}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
