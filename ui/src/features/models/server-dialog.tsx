import { type FormEvent, useId, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, PasswordField, SelectField, TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { type Kind, type Server, useAddServer, useChangeServer, useTest } from "./queries";
import { TestSteps } from "./test-dialog";
import { modelWords } from "./words";

const kinds = ["ollama", "openai", "anthropic"] as const;
const fields = ["name", "url", "token", "ca", "slots"] as const;
type Field = (typeof fields)[number];

interface ServerDialogProps {
  /** The server to be changed; absent for a new one. */
  server?: Server;
  /** What is known of a new one already. */
  start?: { name: string; kind: Kind; url: string };
  onClose: () => void;
}

/** Connects a server, or changes one. */
export function ServerDialog({ server, start, onClose }: ServerDialogProps) {
  const words = useWords(modelWords);
  return (
    <Dialog open wide onClose={onClose} title={server ? words.editTitle(server.name) : words.add} lead={words.addLead}>
      <ServerForm {...(server ? { server } : {})} {...(start ? { start } : {})} onClose={onClose} />
    </Dialog>
  );
}

function ServerForm({ server, start, onClose }: ServerDialogProps) {
  const words = useWords(modelWords);
  const toast = useToast();
  const add = useAddServer();
  const change = useChangeServer();
  const test = useTest();
  const [kind, setKind] = useState<Kind>(server?.kind ?? start?.kind ?? "ollama");
  const [values, setValues] = useState({
    name: server?.name ?? start?.name ?? "",
    url: server?.url ?? start?.url ?? "",
    token: "",
    ca: "",
    slots: server?.slotsSet ? String(server.slotsSet) : "4",
  });
  const [forget, setForget] = useState({ token: false, ca: false });
  const [checked, setChecked] = useState(false);

  const slots = Number(values.slots);
  const own: Partial<Record<Field, string>> = {};
  if (!values.name.trim()) own.name = words.nameMissing;
  if (!values.url.trim()) own.url = words.urlMissing;
  if (!Number.isInteger(slots) || slots < 1 || slots > 64) own.slots = words.slotsOdd;
  const failure = add.error ?? change.error ?? test.error;
  const problem = failure && asProblem(failure);
  const field = (name: Field) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: (checked ? own[name] : undefined) ?? problem?.field(name),
  });
  const secrets = {
    ...(values.token ? { token: values.token } : {}),
    ...(values.ca.trim() ? { ca: values.ca } : {}),
  };

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (add.isPending || change.isPending) return;
    setChecked(true);
    const form = event.currentTarget;
    const wrong = fields.find((name) => own[name]);
    if (wrong) return form.querySelector<HTMLInputElement>(`[name=${wrong}]`)?.focus();
    const name = values.name.trim();
    const done = (told: string) => () => {
      toast(told);
      onClose();
    };
    if (server) {
      const gone = { ...(forget.token ? { token: "" } : {}), ...(forget.ca ? { ca: "" } : {}) };
      change.mutate({ id: server.id, change: { name, url: values.url.trim(), slots, ...gone, ...secrets } }, { onSuccess: done(words.changed(name)) });
    } else {
      add.mutate({ name, kind, url: values.url.trim(), slots, ...secrets }, { onSuccess: done(words.added(name)) });
    }
  }

  function tryIt() {
    setChecked(true);
    if (own.url) return;
    test.mutate({ values: { kind, url: values.url.trim(), ...secrets }, ...(server ? { like: server.id } : {}) });
  }

  return (
    <form noValidate onSubmit={submit} className="grid gap-4">
      {problem && !fields.some((name) => problem.field(name)) && <ErrorPanel error={problem} />}
      {!server && (
        <SelectField
          label={words.kind}
          value={kind}
          options={kinds.map((value) => ({ value, label: words.kinds[value] }))}
          onChange={setKind}
        />
      )}
      <TextField label={words.name} help={words.nameHelp} autoComplete="off" data-first-focus {...field("name")} />
      <TextField label={words.url} help={words.urlHelp} type="url" autoComplete="off" autoCapitalize="off" spellCheck={false} {...field("url")} />
      <PasswordField label={words.token} help={server?.hasToken ? words.tokenKept : words.tokenHelp} autoComplete="new-password" {...field("token")} />
      {server?.hasToken && !values.token && (
        <CheckField label={words.forgetToken} checked={forget.token} onChange={(token) => setForget({ ...forget, token })} />
      )}
      <Certificate value={values.ca} error={field("ca").error} onChange={(ca) => setValues({ ...values, ca })} />
      {server?.hasCa && !values.ca && <CheckField label={words.forgetCa} checked={forget.ca} onChange={(ca) => setForget({ ...forget, ca })} />}
      <TextField label={words.slots} help={words.slotsHelp} inputMode="numeric" className="max-w-52" {...field("slots")} />
      {(test.isPending || test.data) && <TestSteps pending={test.isPending} report={test.data} />}
      <DialogActions>
        <Button kind="quiet" className="me-auto" busy={test.isPending} onClick={tryIt}>{words.tryFirst}</Button>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" busy={add.isPending || change.isPending}>{server ? words.save : words.add}</Button>
      </DialogActions>
    </form>
  );
}

function Certificate({ value, error, onChange }: { value: string; error?: string | undefined; onChange: (pem: string) => void }) {
  const words = useWords(modelWords);
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-s font-medium">{words.ca}</label>
      <textarea
        id={id}
        name="ca"
        rows={3}
        value={value}
        spellCheck={false}
        placeholder="-----BEGIN CERTIFICATE-----"
        aria-describedby={`${id}-help`}
        aria-invalid={error ? true : undefined}
        onChange={(event) => onChange(event.target.value)}
        className="thin-scroll block w-full rounded-s bg-raised px-2.75 py-2 font-code text-xs text-text ring-edge"
      />
      <p id={`${id}-help`} className={error ? "mt-1.5 text-s text-danger" : "mt-1.5 text-s text-muted"}>{error ?? words.caHelp}</p>
    </div>
  );
}
