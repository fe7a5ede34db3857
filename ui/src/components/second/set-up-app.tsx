import { type FormEvent, useEffect, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import { RecoveryCodes } from "./recovery-codes";
import { secondStepWords } from "./words";

interface SetUpAppProps {
  /** The app is in force and the codes are kept. */
  onDone: () => void;
  onCancel?: () => void;
}

/** Sets an authenticator app up: the secret, its first code, the recovery codes. */
export function SetUpApp({ onDone, onCancel }: SetUpAppProps) {
  const words = useWords(secondStepWords);
  const [enrolment, setEnrolment] = useState<Schema<"Enrolment"> | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [code, setCode] = useState("");
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    let current = true;
    body(api.POST("/api/factors/totp")).then(
      (begun) => current && setEnrolment(begun),
      (thrown: unknown) => current && setError(thrown),
    );
    return () => {
      current = false;
    };
  }, []);

  if (codes) return <RecoveryCodes codes={codes} onKept={onDone} />;
  const told = error === null ? undefined : asProblem(error).field("code");
  const missing = !code.trim() ? words.codeMissing : undefined;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const input = event.currentTarget.querySelector("input");
    setChecked(true);
    setError(null);
    if (missing) return void input?.focus();
    setBusy(true);
    try {
      const { recoveryCodes } = await body(api.POST("/api/factors/totp/confirm", { body: { code: code.trim() } }));
      if (recoveryCodes.length) setCodes(recoveryCodes);
      else onDone(); // a passkey had brought some
    } catch (thrown) {
      setError(thrown);
      setCode("");
      setChecked(false);
      input?.focus();
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="grid gap-4">
      {error !== null && !told && <ErrorPanel error={error} />}
      {enrolment && (
        <>
          <p className="text-muted">{words.scan}</p>
          <img alt={words.picture} src={`data:image/svg+xml,${encodeURIComponent(enrolment.qr)}`} className="size-48 rounded-s bg-white" />
          <p>
            <span className="block text-s text-muted">{words.secret}</span>
            <code className="select-all break-all">{enrolment.secret}</code>
          </p>
          <form noValidate onSubmit={(event) => void submit(event)} className="grid max-w-gate gap-4">
            <TextField
              label={words.code}
              name="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              value={code}
              onChange={(event) => setCode(event.target.value)}
              error={(checked ? missing : undefined) ?? told}
            />
            <div className="flex flex-wrap gap-2">
              <Button kind="primary" type="submit" busy={busy}>{words.confirm}</Button>
              {onCancel && <Button onClick={onCancel}>{words.cancel}</Button>}
            </div>
          </form>
        </>
      )}
    </div>
  );
}
