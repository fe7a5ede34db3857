import { type FormEvent, useState } from "react";
import { api } from "@/api/client";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { useWords } from "@/lib/words";
import { secondStepWords } from "./words";

interface ProveDialogProps {
  onClose: () => void;
  /** It was proved; what was refused may be tried again. */
  onProved: () => void;
}

/** Proves once more who one is, with a code. */
export function ProveDialog({ onClose, onProved }: ProveDialogProps) {
  const words = useWords(secondStepWords);
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy || !code.trim()) return;
    setBusy(true);
    setError(null);
    try {
      await api.POST("/api/auth/prove", { body: { code: code.trim() } });
      onProved();
    } catch (thrown) {
      setError(thrown);
      setCode("");
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog open onClose={onClose} title={words.proveTitle} lead={words.proveLead}>
      <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
        {error !== null && <ErrorPanel error={error} />}
        <TextField label={words.proveCode} name="code" autoComplete="one-time-code" data-first-focus value={code} onChange={(event) => setCode(event.target.value)} />
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind="primary" type="submit" busy={busy}>{words.prove}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
