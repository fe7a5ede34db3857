import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { signInSecond } from "./enter";
import { PasskeyButton } from "./passkey-button";
import { secondWords } from "./second-words";
import { loginWords } from "./words";

interface SecondFormProps {
  second: Schema<"Second">;
  onEntered: (session: Schema<"Session">) => void;
  /** The first step has to be done again. */
  onBack: () => void;
}

/** The second step of a sign-in: a code of the app, or a recovery code. */
export function SecondForm({ second, onEntered, onBack }: SecondFormProps) {
  const words = useWords(secondWords);
  const door = useWords(loginWords);
  const [code, setCode] = useState("");
  const [trust, setTrust] = useState(false);
  const [busy, setBusy] = useState(false);
  const [checked, setChecked] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const missing = !code.trim() ? words.codeMissing : undefined;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const input = event.currentTarget.querySelector<HTMLInputElement>("input[name=code]");
    setChecked(true);
    setError(null);
    if (missing) {
      input?.focus();
      return;
    }
    setBusy(true);
    try {
      onEntered(await signInSecond(second.ticket, code.trim(), trust));
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
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
      {error !== null && <Refused error={error} />}
      <TextField
        label={words.code}
        help={!second.methods.includes("totp") ? words.codeHelpRecovery : second.methods.includes("recovery") ? words.codeHelp : words.codeHelpApp}
        name="code"
        inputMode="text"
        autoComplete="one-time-code"
        autoCapitalize="off"
        spellCheck={false}
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value)}
        error={checked ? missing : undefined}
      />
      <label className="flex items-start gap-2 text-s">
        <input type="checkbox" className="mt-0.5" checked={trust} onChange={(event) => setTrust(event.target.checked)} />
        <span>{words.trust}</span>
      </label>
      <Button kind="primary" wide type="submit" busy={busy}>{door.signIn}</Button>
      {second.methods.includes("passkey") && <PasskeyButton ticket={second.ticket} trust={trust} onEntered={onEntered} />}
      <Button kind="quiet" wide onClick={onBack}>{words.back}</Button>
    </form>
  );
}

function Refused({ error }: { error: unknown }) {
  const words = useWords(secondWords);
  const door = useWords(loginWords);
  const { status, code } = asProblem(error);
  const sentence = { 401: code === "ticket-expired" ? words.ticketExpired : words.codeWrong, 429: door.tooOften }[status];
  return sentence ? <Note kind="bad">{sentence}</Note> : <ErrorPanel error={error} />;
}
