import { type FormEvent, lazy, Suspense, useState } from "react";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PasswordField, TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { signIn } from "./enter";
import { loginWords } from "./words";

// Few need it, and the first page is to be small.
const SecondForm = lazy(() => import("./second-form").then((m) => ({ default: m.SecondForm })));

interface SignInFormProps {
  /** Known already when a session has ended; then only the password is asked. */
  email?: string;
  onEntered: (session: Schema<"Session">) => void;
  onSubmitting?: () => unknown;
}

/** E-mail and password; the e-mail stays when the password was wrong. */
export function SignInForm({ email: known, onEntered, onSubmitting }: SignInFormProps) {
  const words = useWords(loginWords);
  const [email, setEmail] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [second, setSecond] = useState<Schema<"Second"> | null>(null);

  const emailError = !email.trim() ? words.signInNameMissing : undefined;
  const passwordError = !password ? words.passwordMissing : undefined;

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    setChecked(true);
    setError(null);
    if (emailError || passwordError) {
      form.querySelector<HTMLInputElement>(emailError ? "input[name=email]" : "input[name=password]")?.focus();
      return;
    }
    setBusy(true);
    void onSubmitting?.();
    try {
      const entered = await signIn(email.trim(), password);
      if ("ticket" in entered) setSecond(entered);
      else onEntered(entered);
    } catch (thrown) {
      setError(thrown);
      setPassword("");
      setChecked(false);
      form.querySelector<HTMLInputElement>("input[name=password]")?.focus();
    } finally {
      setBusy(false);
    }
  }

  if (second) {
    const back = () => {
      setSecond(null);
      setPassword("");
      setChecked(false);
    };
    return (
      <Suspense>
        <SecondForm second={second} onEntered={onEntered} onBack={back} />
      </Suspense>
    );
  }
  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
      {error !== null && <Refused error={error} />}
      <TextField
        label={words.signInName}
        name="email"
        type="text"
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        readOnly={known !== undefined}
        autoFocus={known === undefined}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        error={checked ? emailError : undefined}
      />
      <PasswordField
        label={words.password}
        name="password"
        autoComplete="current-password"
        autoFocus={known !== undefined}
        data-first-focus={known !== undefined || undefined}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={checked ? passwordError : undefined}
      />
      <Button kind="primary" wide type="submit" busy={busy}>{words.signIn}</Button>
    </form>
  );
}

function Refused({ error }: { error: unknown }) {
  const words = useWords(loginWords);
  const { status, code } = asProblem(error);
  const sentence = { 401: code === "directory-down" ? words.directoryDown : words.wrong, 429: words.tooOften, 503: words.busy }[status];
  return sentence ? <Note kind="bad">{sentence}</Note> : <ErrorPanel error={error} />;
}
