import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { NewPasswordField, usePasswordError } from "@/components/password/new-password-field";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PasswordField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import { Gate } from "./gate";
import { setPasswordWords } from "./set-password-words";
import { loginWords } from "./words";

/** Stands before everything while somebody else knows the password. */
export function ChangePasswordPage({ person }: { person: Schema<"Person"> }) {
  const words = useWords(setPasswordWords);
  const door = useWords(loginWords);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const own = usePasswordError(password, person);
  const problem = error === null ? null : asProblem(error);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    setChecked(true);
    setError(null);
    if (!current || own) return void form.querySelector<HTMLInputElement>(current ? "input[name=password]" : "input[name=current]")?.focus();
    setBusy(true);
    try {
      await api.PUT("/api/password", { body: { current, password } });
      location.reload();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Gate title={words.mustTitle} lead={words.mustLead}>
      <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
        {problem && !problem.field("current") && !problem.field("password") && <ErrorPanel error={error} />}
        <PasswordField
          label={words.current}
          name="current"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          error={(checked && !current ? door.passwordMissing : undefined) ?? problem?.field("current")}
        />
        <NewPasswordField
          label={words.password}
          name="password"
          owner={person}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={(checked ? own : undefined) ?? problem?.field("password")}
        />
        <Button kind="primary" wide type="submit" busy={busy}>{words.set}</Button>
      </form>
    </Gate>
  );
}
