import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { NewPasswordField, usePasswordError } from "@/components/password/new-password-field";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { setUp } from "./enter";
import { Gate } from "./gate";
import type { DoorProps } from "./sign-in-page";
import { loginWords } from "./words";

type FieldName = "name" | "email" | "password";
const fieldNames: readonly FieldName[] = ["name", "email", "password"];

interface SetUpPageProps extends DoorProps {
  /** What stands after the # of the link: it proves access to the server. */
  token: string;
}

/** The first person of a new house. */
export function SetUpPage({ token, onEntered, onSubmitting }: SetUpPageProps) {
  const words = useWords(loginWords);
  const [values, setValues] = useState({ name: "", email: "", password: "" });
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const own: Record<FieldName, string | undefined> = {
    name: values.name.trim() ? undefined : words.nameMissing,
    email: !values.email.trim() ? words.emailMissing : /.@./.test(values.email) ? undefined : words.emailOdd,
    password: usePasswordError(values.password, values),
  };
  const problem = error === null ? null : asProblem(error);
  const errorOf = (name: FieldName) => (checked ? own[name] : undefined) ?? problem?.field(name);
  const elsewhere = problem && !fieldNames.some((name) => problem.field(name));

  const change = (name: FieldName) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: errorOf(name),
  });

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const focus = (name: FieldName | undefined) => name && form.querySelector<HTMLInputElement>(`input[name=${name}]`)?.focus();
    setChecked(true);
    setError(null);
    const wrong = fieldNames.find((name) => own[name]);
    if (wrong) return void focus(wrong);
    setBusy(true);
    void onSubmitting();
    try {
      onEntered(await setUp({ token, name: values.name.trim(), email: values.email.trim(), password: values.password }));
    } catch (thrown) {
      setError(thrown);
      focus(fieldNames.find((name) => asProblem(thrown).field(name)));
    } finally {
      setBusy(false);
    }
  }

  if (!token) {
    return (
      <Gate title={words.linkTitle} lead={words.linkLead}>
        <Note kind="live">{words.spentLead}</Note>
      </Gate>
    );
  }
  return (
    <Gate title={words.setUpTitle} lead={words.setUpLead}>
      <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
        {elsewhere && <ErrorPanel error={error} />}
        <TextField label={words.name} help={words.nameHelp} autoComplete="name" autoFocus {...change("name")} />
        <TextField label={words.email} type="email" autoComplete="username" autoCapitalize="off" spellCheck={false} {...change("email")} />
        <NewPasswordField label={words.newPassword} owner={values} {...change("password")} />
        <Button kind="primary" wide type="submit" busy={busy}>{words.setUp}</Button>
      </form>
    </Gate>
  );
}
