import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { useSession } from "@/api/query";
import { NewPasswordField, usePasswordError } from "@/components/password/new-password-field";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card } from "@/components/ui/frame";
import { PasswordField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useChangePassword } from "./queries";
import { profileWords } from "./words";

const empty = { current: "", password: "" };

/** Changes one's password; the current one proves that it is oneself. */
export function PasswordCard() {
  const words = useWords(profileWords);
  const toast = useToast();
  const { person } = useSession();
  const change = useChangePassword();
  const [values, setValues] = useState(empty);
  const [checked, setChecked] = useState(false);
  const problem = change.error && asProblem(change.error);
  const own = {
    current: values.current ? undefined : words.currentMissing,
    password: usePasswordError(values.password, person),
  };
  const field = (name: keyof typeof empty) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: (checked ? own[name] : undefined) ?? problem?.field(name),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (change.isPending) return;
    setChecked(true);
    const form = event.currentTarget;
    const focus = (name: string) => form.querySelector<HTMLInputElement>(`input[name=${name}]`)?.focus();
    if (own.current || own.password) return focus(own.current ? "current" : "password");
    change.mutate(values, {
      onSuccess: () => {
        setValues(empty);
        setChecked(false);
        toast(words.passwordToast);
      },
      onError: (error) => focus(asProblem(error).field("password") ? "password" : "current"),
    });
  }

  return (
    <Card title={words.password}>
      <form noValidate onSubmit={submit} className="grid max-w-gate gap-4">
        <p className="text-muted">{words.passwordLead}</p>
        {problem && !problem.field("current") && !problem.field("password") && <ErrorPanel error={problem} />}
        {/* The browser's keeper of passwords asks whose it is. */}
        <input type="text" name="username" autoComplete="username" value={person.email} readOnly hidden />
        <PasswordField label={words.current} autoComplete="current-password" {...field("current")} />
        <NewPasswordField label={words.next} owner={person} {...field("password")} />
        <div><Button type="submit" busy={change.isPending}>{words.changePassword}</Button></div>
      </form>
    </Card>
  );
}
