import { X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, TextField } from "@/components/ui/field";
import { IconButton } from "@/components/ui/icon-button";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { type Access, type Model, useChangeModel } from "./queries";
import { SubjectFinder } from "./subject-finder";
import { modelWords } from "./words";

const fields = ["label", "aliases", "context"] as const;
type Field = (typeof fields)[number];

/** What a model is called, how long its context is and who may use it. */
export function ModelDialog({ model, onClose }: { model: Model; onClose: () => void }) {
  const words = useWords(modelWords);
  return (
    <Dialog open wide onClose={onClose} title={words.editTitle(model.label)} lead={model.label === model.name ? undefined : model.name}>
      <ModelForm model={model} onClose={onClose} />
    </Dialog>
  );
}

function ModelForm({ model, onClose }: { model: Model; onClose: () => void }) {
  const words = useWords(modelWords);
  const toast = useToast();
  const save = useChangeModel();
  const manage = model.manage;
  const [values, setValues] = useState({
    label: model.label === model.name ? "" : model.label,
    aliases: model.aliases.join(", "),
    context: manage?.context ? String(manage.context) : "",
  });
  const [enabled, setEnabled] = useState(manage?.enabled ?? true);
  const [everyone, setEveryone] = useState(manage?.everyone ?? true);
  const [access, setAccess] = useState<readonly Access[]>(manage?.access ?? []);
  const [checked, setChecked] = useState(false);

  const context = values.context.trim() === "" ? 0 : Number(values.context);
  const odd = !Number.isInteger(context) || (context !== 0 && (context < 512 || context > 10_000_000));
  const problem = save.error && asProblem(save.error);
  const field = (name: Field) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: (checked && name === "context" && odd ? words.contextOdd : undefined) ?? problem?.field(name),
  });

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setChecked(true);
    if (save.isPending) return;
    const form = event.currentTarget;
    const focus = (name: Field | undefined) => name && form.querySelector<HTMLInputElement>(`[name=${name}]`)?.focus();
    if (odd) return focus("context");
    save.mutate(
      {
        id: model.id,
        change: {
          label: values.label.trim(),
          aliases: values.aliases.split(",").map((alias) => alias.trim()).filter(Boolean),
          context,
          enabled,
          everyone,
          access: access.map(({ kind, id }) => ({ kind, id })),
        },
      },
      {
        onSuccess: (saved) => {
          toast(words.changed(saved.label));
          onClose();
        },
        onError: (error) => focus(fields.find((name) => asProblem(error).field(name))),
      },
    );
  }

  return (
    <form noValidate onSubmit={submit} className="grid grid-cols-1 gap-4">
      {problem && !fields.some((name) => problem.field(name)) && <ErrorPanel error={problem} />}
      <TextField label={words.label} help={words.labelHelp} autoComplete="off" data-first-focus {...field("label")} />
      <TextField label={words.aliases} help={words.aliasesHelp} autoComplete="off" autoCapitalize="off" spellCheck={false} {...field("aliases")} />
      {model.kind === "chat" && <TextField label={words.contextLength} help={words.contextHelp} inputMode="numeric" className="[&>.input]:max-w-52" {...field("context")} />}
      <CheckField label={words.enabled} help={words.enabledHelp} checked={enabled} onChange={setEnabled} />
      <CheckField label={words.forEveryone} help={words.forEveryoneHelp} checked={everyone} onChange={setEveryone} />
      {!everyone && (
        <div>
          <SubjectFinder taken={access} onAdd={(subject) => setAccess([...access, subject])} />
          <ul aria-label={words.access} className="mt-2">
            {access.map((subject) => (
              <li key={subject.id} className="flex min-h-(--row) items-center gap-2">
                <span className="min-w-0 flex-1 truncate">
                  {subject.name || subject.id} <span className="text-s text-muted">{words.subjectKinds[subject.kind]}</span>
                </span>
                <IconButton small icon={X} label={words.removeSubject(subject.name ?? subject.id)} onClick={() => setAccess(access.filter((a) => a.id !== subject.id))} />
              </li>
            ))}
            {access.length === 0 && <li className="text-s text-muted">{words.noSubjects}</li>}
          </ul>
        </div>
      )}
      <DialogActions>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" busy={save.isPending}>{words.save}</Button>
      </DialogActions>
    </form>
  );
}
