import { type FormEvent, useEffect, useId, useRef, useState } from "react";
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
    slots: server?.slotsSet ? String(server.slotsSet) : "",
  });
  const [forget, setForget] = useState({ token: false, ca: false });
  const [checked, setChecked] = useState(false);
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const result = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no way to clean up.
    result.current?.scrollIntoView({ block: "nearest" });
  }, [test.isPending, test.data]);
  const focus = (name: Field | undefined) => name && form.current?.querySelector<HTMLElement>(`[name=${name}]`)?.focus();
  const focusWrong = (error: unknown) => focus(fields.find((name) => asProblem(error).field(name)));

  // 0 is what ChatETS finds out by itself.
  const slots = Number(values.slots.trim() || 0);
  const own: Partial<Record<Field, string>> = {};
  if (!values.name.trim()) own.name = words.nameMissing;
  if (!values.url.trim()) own.url = words.urlMissing;
  if (!Number.isInteger(slots) || slots < 0 || slots > 256 || values.slots.trim() === "0") own.slots = words.slotsOdd;
  const failure = add.error ?? change.error ?? test.error;
  const problem = failure && asProblem(failure);
  const put = (name: Field, value: string) => {
    setValues({ ...values, [name]: value });
    if (name !== "name" && name !== "slots") test.reset(); // it was of another address
  };
  const field = (name: Field) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => put(name, event.target.value),
    error: (checked || (tried && name === "url") ? own[name] : undefined) ?? problem?.field(name),
  });
  const secrets = {
    ...(values.token ? { token: values.token } : {}),
    ...(values.ca.trim() ? { ca: values.ca } : {}),
  };

  function submit(event: FormEvent) {
    event.preventDefault();
    if (add.isPending || change.isPending) return;
    setChecked(true);
    test.reset();
    const wrong = fields.find((name) => own[name]);
    if (wrong) return focus(wrong);
    const name = values.name.trim();
    const then = (told: string) => ({
      onSuccess: () => {
        toast(told);
        onClose();
      },
      onError: focusWrong,
    });
    if (server) {
      const gone = { ...(forget.token ? { token: "" } : {}), ...(forget.ca ? { ca: "" } : {}) };
      change.mutate({ id: server.id, change: { name, url: values.url.trim(), slots, ...gone, ...secrets } }, then(words.changed(name)));
    } else {
      add.mutate({ name, kind, url: values.url.trim(), slots, ...secrets }, then(words.added(name)));
    }
  }

  function tryIt() {
    if (test.isPending) return;
    setTried(true);
    if (own.url) return focus("url");
    add.reset();
    change.reset();
    // What is to be forgotten does not stand in for what is missing.
    const forgets = (!server?.hasToken || forget.token) && (!server?.hasCa || forget.ca);
    test.mutate({ values: { kind, url: values.url.trim(), ...secrets }, ...(server && !forgets ? { like: server.id } : {}) }, { onError: focusWrong });
  }

  return (
    <form ref={form} noValidate onSubmit={submit} className="grid grid-cols-1 gap-4">
      {problem && !fields.some((name) => problem.field(name)) && <ErrorPanel error={problem} />}
      {!server && (
        <SelectField
          label={words.kind}
          value={kind}
          options={kinds.map((value) => ({ value, label: words.kinds[value] }))}
          onChange={(chosen) => {
            setKind(chosen);
            test.reset();
          }}
        />
      )}
      <TextField label={words.name} help={words.nameHelp} autoComplete="off" data-first-focus {...field("name")} />
      <TextField label={words.url} help={words.urlHelp} type="url" autoComplete="off" autoCapitalize="off" spellCheck={false} {...field("url")} />
      <PasswordField label={words.token} help={server?.hasToken ? words.tokenKept : words.tokenHelp} autoComplete="new-password" {...field("token")} />
      {server?.hasToken && !values.token && (
        <CheckField label={words.forgetToken} checked={forget.token} onChange={(token) => setForget({ ...forget, token })} />
      )}
      <Certificate value={values.ca} error={field("ca").error} onChange={(ca) => put("ca", ca)} />
      {server?.hasCa && !values.ca && <CheckField label={words.forgetCa} checked={forget.ca} onChange={(ca) => setForget({ ...forget, ca })} />}
      <TextField label={words.slots} help={words.slotsHelp} inputMode="numeric" className="[&>.input]:max-w-52" {...field("slots")} />
      {(test.isPending || test.data) && <div ref={result}><TestSteps pending={test.isPending} report={test.data} /></div>}
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
