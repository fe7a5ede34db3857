import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/client";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { ProveDialog } from "@/components/second/prove-dialog";
import { SetUpPasskey } from "@/components/second/set-up-passkey";
import { secondStepWords } from "@/components/second/words";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Note } from "@/components/ui/note";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { canUsePasskeys } from "@/lib/passkey";
import { useWords } from "@/lib/words";

interface PasskeysProps {
  factors: Schema<"GetFactorsResponse">;
  onChanged: () => void;
}

/** One's passkeys, with the way to add and to remove some, or why there can be none here. */
export function Passkeys({ factors, onChanged }: PasskeysProps) {
  const words = useWords(secondStepWords);
  const toast = useToast();
  const [adding, setAdding] = useState(false);
  const remove = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/factors/passkeys/{id}", { params: { path: { id } } }),
    onSuccess: () => {
      toast(words.passkeyRemoved);
      onChanged();
    },
  });
  const unproved = remove.error !== null && asProblem(remove.error).code === "prove-again";
  const offered = factors.passkeyOffer && canUsePasskeys();
  const why = !factors.serverName ? words.passkeysNeedName : !factors.passkeyOffer ? words.passkeysOtherName(factors.serverName) : words.passkeysUnsafe;
  return (
    <section aria-labelledby="passkeys" className="mt-5 border-t border-line pt-4">
      <h3 id="passkeys" className="font-semibold">{words.passkeys}</h3>
      <p className="mb-3 text-muted">{words.passkeysLead}</p>
      {remove.error && !unproved && <div className="mb-3"><ErrorPanel error={remove.error} /></div>}
      {factors.passkeys.length > 0 && (
        <ul className="mb-3 grid gap-1">
          {factors.passkeys.map((k) => (
            <PasskeyRow key={k.id} passkey={k} busy={remove.isPending && remove.variables === k.id} onRemove={() => remove.mutate(k.id)} />
          ))}
        </ul>
      )}
      {!offered ? (
        <Note>{why}</Note>
      ) : adding ? (
        <SetUpPasskey
          onCancel={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            toast(words.passkeyAdded);
            onChanged();
          }}
        />
      ) : (
        <div className="grid justify-items-start gap-3">
          {factors.passkeys.length === 0 && <p>{words.noPasskeys}</p>}
          <Button onClick={() => setAdding(true)}>{words.addPasskey}</Button>
        </div>
      )}
      {unproved && remove.variables && <ProveDialog onClose={remove.reset} onProved={() => remove.mutate(remove.variables)} />}
    </section>
  );
}

function PasskeyRow({ passkey: k, busy, onRemove }: { passkey: Schema<"Passkey">; busy: boolean; onRemove: () => void }) {
  const words = useWords(secondStepWords);
  const format = useFormat();
  const facts = [words.passkeySince(format.date(k.createdAt)), k.lastUsed ? words.passkeyUsed(format.age(k.lastUsed)) : words.passkeyUnused, k.synced && words.passkeySynced];
  return (
    <li className="flex items-center gap-3">
      <KeyRound aria-hidden="true" className={k.copied ? "text-danger" : "text-muted"} />
      <div className="min-w-0 flex-1">
        <p className="truncate">{k.name}</p>
        <p className={k.copied ? "text-s text-danger" : "num text-s text-muted"}>{k.copied ? words.passkeyCopied : facts.filter(Boolean).join(", ")}</p>
      </div>
      <Button small kind="quiet" busy={busy} aria-label={words.removePasskeyNamed(k.name)} onClick={onRemove}>{words.removePasskey}</Button>
    </li>
  );
}
