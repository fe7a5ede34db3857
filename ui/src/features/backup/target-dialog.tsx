import { type FormEvent, useId, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, PasswordField, SelectField, TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { addressOf, type Kind, needed, type Parts } from "./address";
import { useAddTarget, useHostKey } from "./queries";
import { backupWords } from "./words";

const kinds = ["directory", "s3", "sftp"] as const;
const empty = { name: "", path: "", endpoint: "", bucket: "", folder: "", region: "", host: "", user: "", access: "", secret: "", ca: "", rate: "" };
type Field = keyof typeof empty;

/** Adds a place that all changes are copied to. */
export function TargetDialog({ onClose }: { onClose: () => void }) {
  const words = useWords(backupWords);
  return (
    <Dialog open wide onClose={onClose} title={words.add} lead={words.addLead}>
      <TargetForm onClose={onClose} />
    </Dialog>
  );
}

function TargetForm({ onClose }: { onClose: () => void }) {
  const words = useWords(backupWords);
  const toast = useToast();
  const add = useAddTarget();
  const ask = useHostKey();
  const [kind, setKind] = useState<Kind>("directory");
  const [values, setValues] = useState(empty);
  const [wait, setWait] = useState<boolean | null>(null); // null: as its kind wants it
  const [compared, setCompared] = useState(false);
  const [takeOver, setTakeOver] = useState(false);
  const [checked, setChecked] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const parts: Parts = values;
  const url = addressOf(kind, parts);
  const must: readonly Field[] = ["name", ...needed[kind], ...(kind === "s3" ? (["access", "secret"] as const) : kind === "sftp" ? (["secret"] as const) : [])];
  const rate = values.rate.trim() ? Number(values.rate.trim().replace(",", ".")) : 0;
  const own = (name: Field): string | undefined => {
    if (name === "rate") return values.rate.trim() && !(rate > 0) ? words.rateOdd : undefined;
    return must.includes(name) && !values[name].trim() ? words.missing : undefined;
  };
  const problem = add.error ? asProblem(add.error) : undefined;
  const ofAddress: Field = kind === "directory" ? "path" : kind === "s3" ? "endpoint" : "host";
  const told = (name: Field) => problem?.field(name) ?? (name === ofAddress ? problem?.field("url") : undefined);
  const used = problem?.code === "target-used" || takeOver;
  const field = (name: Field) => ({
    name,
    value: values[name],
    onChange: (event: { target: { value: string } }) => {
      setValues({ ...values, [name]: event.target.value });
      if (name === "host" || name === "user") {
        ask.reset(); // the key was of another server
        setCompared(false);
      }
    },
    error: (checked ? own(name) : undefined) ?? told(name),
  });
  const plain = { autoComplete: "off", autoCapitalize: "off", spellCheck: false } as const;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (add.isPending) return;
    setChecked(true);
    const wrong = (Object.keys(empty) as Field[]).find((name) => own(name));
    if (wrong) return form.current?.querySelector<HTMLElement>(`[name=${wrong}]`)?.focus();
    if (kind === "sftp" && !(ask.data && compared)) return;
    const name = values.name.trim();
    add.mutate(
      {
        name,
        url,
        rate: Math.round(rate * 1_000_000),
        takeOver,
        ...(wait === null ? {} : { wait }),
        ...(kind === "s3" ? { secret: `${values.access.trim()}:${values.secret.trim()}`, ...(values.ca.trim() ? { ca: values.ca } : {}) } : {}),
        ...(kind === "sftp" && ask.data ? { secret: values.secret, hostKey: ask.data.hostKey } : {}),
      },
      {
        onSuccess: () => {
          toast(words.added(name));
          onClose();
        },
      },
    );
  }

  return (
    <form ref={form} noValidate onSubmit={submit} className="grid grid-cols-1 gap-4">
      {problem && !(Object.keys(empty) as Field[]).some(told) && <ErrorPanel error={problem} />}
      <SelectField
        label={words.kind}
        value={kind}
        options={kinds.map((value) => ({ value, label: words.kinds[value] }))}
        onChange={(chosen) => {
          setKind(chosen);
          setChecked(false);
          add.reset();
          ask.reset();
          setCompared(false);
        }}
      />
      <TextField label={words.name} help={words.nameHelp} autoComplete="off" data-first-focus {...field("name")} />
      {kind === "directory" && <TextField label={words.path} help={words.pathHelp} {...plain} {...field("path")} />}
      {kind === "s3" && (
        <>
          <TextField label={words.endpoint} help={words.endpointHelp} type="url" {...plain} {...field("endpoint")} />
          <div className="grid gap-4 frame:grid-cols-3">
            <TextField label={words.bucket} {...plain} {...field("bucket")} />
            <TextField label={words.folder} help={words.folderHelp} {...plain} {...field("folder")} />
            <TextField label={words.region} help={words.regionHelp} {...plain} {...field("region")} />
          </div>
          <TextField label={words.accessKey} {...plain} {...field("access")} />
          <PasswordField label={words.secretKey} help={words.secretHelp} autoComplete="new-password" {...field("secret")} />
          <Lines label={words.ca} help={words.caHelp} placeholder="-----BEGIN CERTIFICATE-----" {...field("ca")} />
        </>
      )}
      {kind === "sftp" && (
        <>
          <div className="grid gap-4 frame:grid-cols-2">
            <TextField label={words.host} help={words.hostHelp} {...plain} {...field("host")} />
            <TextField label={words.user} {...plain} {...field("user")} />
          </div>
          <TextField label={words.sftpFolder} help={words.sftpFolderHelp} {...plain} {...field("folder")} />
          <Lines label={words.sftpSecret} help={words.sftpSecretHelp} {...field("secret")} />
          <div className="grid justify-items-start gap-3">
            <Button busy={ask.isPending} disabled={!values.host.trim() || !values.user.trim() || !values.folder.trim()} onClick={() => ask.mutate(url)}>{words.askKey}</Button>
            {ask.error && <ErrorPanel error={ask.error} />}
            <div role="status">
              {ask.data && <p>{words.fingerprint} <code className="font-code text-s [overflow-wrap:anywhere]">{ask.data.fingerprint}</code></p>}
            </div>
            {ask.data && <CheckField label={words.compared} checked={compared} onChange={setCompared} />}
            {checked && !(ask.data && compared) && <p className="text-s text-danger">{words.askFirst}</p>}
          </div>
        </>
      )}
      <CheckField label={words.wait} help={words.waitHelp} checked={wait ?? kind === "directory"} onChange={setWait} />
      <TextField label={words.rate} help={words.rateHelp} inputMode="decimal" className="[&>.input]:max-w-52" {...field("rate")} />
      {used && <CheckField label={words.takeOver} help={words.takeOverHelp} checked={takeOver} onChange={setTakeOver} />}
      <DialogActions>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" busy={add.isPending}>{words.addAct}</Button>
      </DialogActions>
    </form>
  );
}

interface LinesProps {
  label: string;
  help: string;
  name: string;
  value: string;
  placeholder?: string;
  error: string | undefined;
  onChange: (event: { target: { value: string } }) => void;
}

/** Text of several lines: a certificate, a private key. */
function Lines({ label, help, error, ...rest }: LinesProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-s font-medium">{label}</label>
      <textarea
        id={id}
        rows={3}
        spellCheck={false}
        autoComplete="off"
        aria-describedby={`${id}-help`}
        aria-invalid={error ? true : undefined}
        className="thin-scroll block w-full rounded-s bg-raised px-2.75 py-2 font-code text-xs text-text ring-edge"
        {...rest}
      />
      <p id={`${id}-help`} className={error ? "mt-1.5 text-s text-danger" : "mt-1.5 text-s text-muted"}>{error ?? help}</p>
    </div>
  );
}
