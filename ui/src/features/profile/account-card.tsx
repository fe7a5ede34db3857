import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Card } from "@/components/ui/frame";
import { TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useChangeName } from "./queries";
import { profileWords } from "./words";

/** One's name; the e-mail is shown, since it is what one signs in with. */
export function AccountCard() {
  const words = useWords(profileWords);
  const toast = useToast();
  const { person } = useSession();
  const change = useChangeName(person.id);
  const [name, setName] = useState(person.name);
  const [checked, setChecked] = useState(false);
  const problem = change.error && asProblem(change.error);
  const told = problem?.field("name");
  const own = name.trim() ? undefined : words.nameMissing;

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (change.isPending) return;
    setChecked(true);
    if (own) return event.currentTarget.querySelector("input")?.focus();
    change.mutate(name.trim(), {
      onSuccess: (changed) => {
        setName(changed.name);
        toast(words.nameToast);
      },
    });
  }

  return (
    <Card title={words.account}>
      <form noValidate onSubmit={submit} className="grid max-w-gate gap-4">
        {problem && !told && <ErrorPanel error={problem} />}
        <TextField
          label={words.name}
          help={words.nameHelp}
          name="name"
          autoComplete="name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={(checked ? own : undefined) ?? told}
        />
        <TextField label={words.email} help={words.emailHelp} value={person.email} disabled autoComplete="off" />
        <div><Button type="submit" busy={change.isPending} disabled={name.trim() === person.name}>{words.save}</Button></div>
      </form>
    </Card>
  );
}
