import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, SelectField, TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { useAddPerson } from "./queries";
import { type WorkspaceRole, workspaceRoles } from "./role-fields";
import { PasswordLink } from "./password-link";
import { peopleWords } from "./words";

const fieldNames = ["name", "email"] as const;
type FieldName = (typeof fieldNames)[number];

/** The dialog that adds a person. */
export function AddPerson({ open, onClose }: { open: boolean; onClose: () => void }) {
  const words = useWords(peopleWords);
  return (
    <Dialog open={open} onClose={onClose} title={words.add} lead={words.addLead}>
      <AddPersonForm onClose={onClose} />
    </Dialog>
  );
}

function AddPersonForm({ onClose }: { onClose: () => void }) {
  const words = useWords(peopleWords);
  const toast = useToast();
  const add = useAddPerson();
  const [values, setValues] = useState({ name: "", email: "" });
  const [workspaceRole, setWorkspaceRole] = useState<WorkspaceRole>("member");
  const [admin, setAdmin] = useState(false);
  const [checked, setChecked] = useState(false);
  const [link, setLink] = useState("");

  const own: Record<FieldName, string | undefined> = {
    name: values.name.trim() ? undefined : words.nameMissing,
    email: !values.email.trim() ? words.emailMissing : /.@./.test(values.email) ? undefined : words.emailOdd,
  };
  const problem = add.error && asProblem(add.error);
  const field = (name: FieldName) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: (checked ? own[name] : undefined) ?? problem?.field(name),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (add.isPending) return;
    setChecked(true);
    const form = event.currentTarget;
    const focus = (name: FieldName | undefined) => name && form.querySelector<HTMLInputElement>(`input[name=${name}]`)?.focus();
    const wrong = fieldNames.find((name) => own[name]);
    if (wrong) return focus(wrong);
    add.mutate(
      { name: values.name.trim(), email: values.email.trim(), invite: true, workspaceRole, ...(admin ? { admin } : {}) },
      {
        onSuccess: (person) => {
          toast(words.addedToast(person.name));
          setLink(person.link ?? "");
        },
        onError: (error) => focus(fieldNames.find((name) => asProblem(error).field(name))),
      },
    );
  }

  if (link) return <PasswordLink link={link} onKept={onClose} />;
  return (
    <form noValidate onSubmit={submit} className="grid gap-4">
      {problem && !fieldNames.some((name) => problem.field(name)) && <ErrorPanel error={problem} />}
      <TextField label={words.name} autoComplete="off" data-first-focus {...field("name")} />
      <TextField label={words.email} type="email" autoComplete="off" autoCapitalize="off" spellCheck={false} {...field("email")} />
      <SelectField
        label={words.workspaceRole}
        help={words.workspaceRoleHelp[workspaceRole]}
        value={workspaceRole}
        options={workspaceRoles.map((value) => ({ value, label: words.workspaceRoles[value] }))}
        onChange={setWorkspaceRole}
      />
      <CheckField label={words.roles.admin} help={words.roleHelp.admin} checked={admin} onChange={setAdmin} />
      <DialogActions>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" busy={add.isPending}>{words.add}</Button>
      </DialogActions>
    </form>
  );
}
