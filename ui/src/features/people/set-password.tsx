import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { NewPasswordField, usePasswordError } from "@/components/password/new-password-field";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useSetPassword } from "./queries";
import { suggestPassword } from "./suggest";
import { peopleWords } from "./words";

interface SetPasswordProps {
  person: Schema<"Person">;
  onClose: () => void;
}

/** The dialog that gives a person another password. */
export function SetPassword({ person, onClose }: SetPasswordProps) {
  const words = useWords(peopleWords);
  const toast = useToast();
  const set = useSetPassword();
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const own = usePasswordError(password, person);
  const problem = set.error && asProblem(set.error);
  const told = problem?.field("password");

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (set.isPending) return;
    setChecked(true);
    if (own) return event.currentTarget.querySelector("input")?.focus();
    set.mutate(
      { id: person.id, password },
      {
        onSuccess: () => {
          toast(words.passwordToast(person.name));
          onClose();
        },
      },
    );
  }

  return (
    <Dialog open onClose={onClose} title={words.setPasswordTitle(person.name)} lead={words.setPasswordLead}>
      <form noValidate onSubmit={submit} className="grid gap-4">
        {problem && !told && <ErrorPanel error={problem} />}
        <div>
          <NewPasswordField
            label={words.newPassword}
            name="password"
            data-first-focus
            owner={person}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            error={(checked ? own : undefined) ?? told}
          />
          <Button small kind="quiet" className="mt-1 -ms-2" onClick={() => setPassword(suggestPassword())}>{words.generate}</Button>
        </div>
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind="primary" type="submit" busy={set.isPending}>{words.setPassword}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
