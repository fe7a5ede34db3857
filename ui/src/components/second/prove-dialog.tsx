import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PasswordField, TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { askPasskey, canUsePasskeys, givenUp } from "@/lib/passkey";
import { useWords } from "@/lib/words";
import { useFactors } from "./use-factors";
import { secondStepWords } from "./words";

interface ProveDialogProps {
  onClose: () => void;
  /** It was proved; what was refused may be tried again. */
  onProved: () => void;
}

/** Proves once more who one is: with a passkey, a code, or the password where there is no second step. */
export function ProveDialog({ onClose, onProved }: ProveDialogProps) {
  const words = useWords(secondStepWords);
  const { data, failed, again } = useFactors();
  const [value, setValue] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const passkey = data && data.passkeyOffer && data.passkeys.some((k) => !k.copied) && canUsePasskeys();

  async function prove(how: () => Promise<unknown>) {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await how();
      onProved();
    } catch (thrown) {
      setError(thrown);
      setValue("");
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    event.stopPropagation(); // the form of a page may stand around the dialog
    if (!value.trim()) return;
    void prove(() => api.POST("/api/auth/prove", { body: data?.password ? { password: value } : { code: value.trim() } }));
  }

  const byPasskey = () =>
    prove(async () => {
      const { ticket, options } = await body(api.POST("/api/auth/prove/passkey"));
      await api.POST("/api/auth/prove", { body: { ticket, credential: await askPasskey(options) } });
    });

  let inside;
  if (failed !== null) inside = <ErrorPanel error={failed} retry={again} />;
  else if (!data) inside = <Loading><Skeleton className="w-3/5" /></Loading>;
  else
    inside = (
      <form noValidate onSubmit={submit} className="grid gap-4">
        {error !== null && (givenUp(error) ? <Note kind="care">{words.passkeyGivenUp}</Note> : <ErrorPanel error={error} />)}
        {passkey && <Button kind="primary" busy={busy} data-first-focus onClick={() => void byPasskey()}>{words.byPasskey}</Button>}
        {data.password ? (
          <PasswordField label={words.provePassword} name="password" autoComplete="current-password" data-first-focus value={value} onChange={(event) => setValue(event.target.value)} />
        ) : (
          <TextField label={words.proveCode} name="code" autoComplete="one-time-code" data-first-focus={!passkey || undefined} value={value} onChange={(event) => setValue(event.target.value)} />
        )}
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind={passkey ? "plain" : "primary"} type="submit" busy={busy}>{words.prove}</Button>
        </DialogActions>
      </form>
    );
  return (
    <Dialog open onClose={onClose} title={words.proveTitle} lead={data?.password ? words.proveLeadPassword : passkey ? words.proveLeadPasskey : words.proveLead}>
      {inside}
    </Dialog>
  );
}
