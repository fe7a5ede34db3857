import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { givenUp, makePasskey } from "@/lib/passkey";
import { useWords } from "@/lib/words";
import { ProveDialog } from "./prove-dialog";
import { RecoveryCodes } from "./recovery-codes";
import { secondStepWords } from "./words";

interface SetUpPasskeyProps {
  /** The passkey is in force, and the codes are kept where there were new ones. */
  onDone: () => void;
  onCancel: () => void;
}

/** Makes a passkey: its name, what the browser asks of the device, the recovery codes of the first one. */
export function SetUpPasskey({ onDone, onCancel }: SetUpPasskeyProps) {
  const words = useWords(secondStepWords);
  const [name, setName] = useState("");
  const [checked, setChecked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [error, setError] = useState<unknown>(null);

  const missing = !name.trim() ? words.passkeyNameMissing : undefined;
  const unproved = error !== null && asProblem(error).code === "prove-again";
  const told = error === null ? undefined : asProblem(error).field("name");

  async function make() {
    setBusy(true);
    setError(null);
    try {
      const { ticket, options } = await body(api.POST("/api/factors/passkeys"));
      const credential = await makePasskey(options);
      const { recoveryCodes } = await body(api.POST("/api/factors/passkeys/confirm", { body: { ticket, credential, name: name.trim() } }));
      if (recoveryCodes.length) setCodes(recoveryCodes);
      else onDone();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setChecked(true);
    if (busy) return;
    if (missing) return void event.currentTarget.querySelector("input")?.focus();
    void make();
  }

  if (codes) return <RecoveryCodes codes={codes} onKept={onDone} />;
  return (
    <form noValidate onSubmit={submit} className="grid max-w-gate gap-4">
      {error !== null && !unproved && !told && (givenUp(error) ? <Note kind="care">{words.passkeyGivenUp}</Note> : <ErrorPanel error={error} />)}
      <TextField
        label={words.passkeyName}
        help={words.passkeyNameHelp}
        name="name"
        autoComplete="off"
        maxLength={60}
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={(checked ? missing : undefined) ?? told}
      />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" busy={busy}>{words.makePasskey}</Button>
        <Button onClick={onCancel}>{words.cancel}</Button>
      </div>
      {unproved && <ProveDialog onClose={() => setError(null)} onProved={() => void make()} />}
    </form>
  );
}
