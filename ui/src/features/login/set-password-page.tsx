import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { asProblem } from "@/api/problem";
import { NewPasswordField, usePasswordError } from "@/components/password/new-password-field";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useWords } from "@/lib/words";
import { Gate } from "./gate";
import { setPasswordWords } from "./set-password-words";

// The link does not say whose it is; the server knows, and checks the name too.
const nobody = { email: "", name: "" };

/** Sets one's password with a link that an administrator has given. */
export function SetPasswordPage({ token }: { token: string }) {
  const words = useWords(setPasswordWords);
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const own = usePasswordError(password, nobody);
  const told = error === null ? undefined : asProblem(error).field("password");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const input = event.currentTarget.querySelector<HTMLInputElement>("input[name=password]");
    setChecked(true);
    setError(null);
    if (own) return void input?.focus();
    setBusy(true);
    try {
      await api.POST("/api/auth/password", { body: { token, password } });
      setDone(true);
    } catch (thrown) {
      setError(thrown);
      input?.focus();
    } finally {
      setBusy(false);
    }
  }

  if (!token) return <Gate title={words.broken} lead={words.brokenLead}>{null}</Gate>;
  if (done) {
    return (
      <Gate title={words.done} lead={words.doneLead}>
        <Button kind="primary" wide onClick={() => location.assign("/sign-in")}>{words.signIn}</Button>
      </Gate>
    );
  }
  return (
    <Gate title={words.title} lead={words.lead}>
      <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
        {error !== null && !told && <ErrorPanel error={error} />}
        <NewPasswordField
          label={words.password}
          name="password"
          owner={nobody}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={(checked ? own : undefined) ?? told}
        />
        <Button kind="primary" wide type="submit" busy={busy}>{words.set}</Button>
      </form>
    </Gate>
  );
}
