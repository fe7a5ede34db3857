import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PasswordField } from "@/components/ui/field";
import { uiWords } from "@/components/ui/words";
import { useWords } from "@/lib/words";
import { type Document, useUnlock } from "./queries";
import { knowledgeWords } from "./words";

/** Whether the file waits for its password. */
export const isLocked = (document: Document): boolean => document.state === "failed" && document.code === "file-locked";

/** Asks for the password of a locked file and has it read again. */
export function UnlockDocument({ document, onClose }: { document: Document; onClose: () => void }) {
  const words = useWords(knowledgeWords);
  const ui = useWords(uiWords);
  const unlock = useUnlock();
  const [password, setPassword] = useState("");
  const field = unlock.error ? asProblem(unlock.error).field("password") : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password && !unlock.isPending) unlock.mutate({ id: document.id, password }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} title={words.unlockTitle(document.title)} lead={document.reason}>
      <form onSubmit={submit}>
        {unlock.error && !field ? <div className="mb-4"><ErrorPanel error={unlock.error} /></div> : null}
        <PasswordField
          data-first-focus
          label={words.filePassword}
          help={words.filePasswordHelp}
          // It is no password of this site: the browser's keeper should leave it alone.
          autoComplete="new-password"
          value={password}
          maxLength={255}
          error={field}
          onChange={(event) => setPassword(event.target.value)}
        />
        <DialogActions>
          <Button onClick={onClose}>{ui.cancel}</Button>
          <Button type="submit" kind="primary" busy={unlock.isPending} disabled={password === ""}>{words.unlock}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
