import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Confirm, Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { uiWords } from "@/components/ui/words";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Knowledge, useAddBase, useRemoveBase, useRenameBase } from "./queries";
import { knowledgeWords } from "./words";

interface NameFormProps {
  first: string;
  act: string;
  busy: boolean;
  error: unknown;
  onSubmit: (name: string) => void;
  onClose: () => void;
  help?: string;
}

function NameForm({ first, act, busy, error, onSubmit, onClose, help }: NameFormProps) {
  const words = useWords(knowledgeWords);
  const ui = useWords(uiWords);
  const [name, setName] = useState(first);
  const field = error ? asProblem(error).field("name") : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() && !busy) onSubmit(name.trim());
  };
  return (
    <form onSubmit={submit}>
      {error && !field ? <div className="mb-4"><ErrorPanel error={error} /></div> : null}
      <TextField
        data-first-focus
        label={words.name}
        value={name}
        maxLength={200}
        autoComplete="off"
        error={field}
        help={help}
        onChange={(event) => setName(event.target.value)}
        onFocus={(event) => event.target.select()}
      />
      <DialogActions>
        <Button onClick={onClose}>{ui.cancel}</Button>
        <Button type="submit" kind="primary" busy={busy} disabled={name.trim() === ""}>{act}</Button>
      </DialogActions>
    </form>
  );
}

export function NewBase({ open, onClose, onMade }: { open: boolean; onClose: () => void; onMade: (base: Knowledge) => void }) {
  const words = useWords(knowledgeWords);
  const toast = useToast();
  const add = useAddBase();
  const close = () => {
    add.reset();
    onClose();
  };
  return (
    <Dialog open={open} onClose={close} title={words.newBase} lead={words.newBaseLead}>
      <NameForm
        first=""
        act={words.create}
        busy={add.isPending}
        error={add.error}
        help={words.nameHelp}
        onClose={close}
        onSubmit={(name) =>
          add.mutate(name, {
            onSuccess: (base) => {
              toast(words.created(base.name));
              close();
              onMade(base);
            },
          })
        }
      />
    </Dialog>
  );
}

export function RenameBase({ base, onClose }: { base: Knowledge; onClose: () => void }) {
  const words = useWords(knowledgeWords);
  const toast = useToast();
  const rename = useRenameBase(base.id);
  return (
    <Dialog open onClose={onClose} title={words.renameTitle}>
      <NameForm
        first={base.name}
        act={words.save}
        busy={rename.isPending}
        error={rename.error}
        onClose={onClose}
        onSubmit={(name) =>
          rename.mutate(name, {
            onSuccess: () => {
              toast(words.renamed, () => rename.mutate(base.name));
              onClose();
            },
          })
        }
      />
    </Dialog>
  );
}

export function RemoveBase({ base, onClose, onRemoved }: { base: Knowledge; onClose: () => void; onRemoved?: () => void }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const toast = useToast();
  const remove = useRemoveBase();
  const count = format.number(base.documents);
  return (
    <Confirm
      open
      onClose={onClose}
      title={words.removeBase(base.name)}
      keep={words.keep}
      act={words.removeBaseAct(base.documents, count)}
      busy={remove.isPending}
      error={remove.error}
      onAct={() =>
        remove.mutate(base.id, {
          onSuccess: () => {
            toast(words.baseRemoved(base.name));
            onClose();
            onRemoved?.();
          },
        })
      }
    >
      {words.removeBaseLead(base.documents, count)}
    </Confirm>
  );
}
