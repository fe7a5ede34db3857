import { KeyRound } from "lucide-react";
import { useState } from "react";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Note } from "@/components/ui/note";
import { canUsePasskeys, givenUp } from "@/lib/passkey";
import { useWords } from "@/lib/words";
import { signInByPasskey } from "./enter-passkey";
import { secondWords } from "./second-words";
import { loginWords } from "./words";

interface PasskeyButtonProps {
  onEntered: (session: Schema<"Session">) => void;
  onSubmitting?: (() => unknown) | undefined;
  /** Of a sign-in that waits for its second step; without it the passkey alone signs in. */
  ticket?: string;
  trust?: boolean;
}

/** Signs in with a passkey, by it alone or as the second step. */
export function PasskeyButton({ onEntered, onSubmitting, ticket, trust }: PasskeyButtonProps) {
  const words = useWords(secondWords);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  if (!canUsePasskeys()) return null;

  async function enter() {
    if (busy) return;
    setBusy(true);
    setError(null);
    void onSubmitting?.();
    try {
      onEntered(await signInByPasskey(ticket, trust ?? false));
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      {error !== null && <Refused error={error} />}
      <Button wide busy={busy} onClick={() => void enter()}>
        <KeyRound aria-hidden="true" />
        {words.passkey}
      </Button>
    </>
  );
}

function Refused({ error }: { error: unknown }) {
  const words = useWords(secondWords);
  const door = useWords(loginWords);
  if (givenUp(error)) return <Note kind="care">{words.passkeyGivenUp}</Note>;
  const { status, code } = asProblem(error);
  const sentence = code === "passkey-copied" ? words.passkeyCopied : { 401: code === "ticket-expired" ? words.ticketExpired : words.passkeyWrong, 429: door.tooOften }[status];
  return sentence ? <Note kind="bad">{sentence}</Note> : <ErrorPanel error={error} />;
}
