import { type FormEvent, useState } from "react";
import { useSession } from "@/api/query";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Card } from "@/components/ui/frame";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { useNewRecovery, useTestRecovery } from "./queries";
import { keyWords } from "./words";

/** The recovery key: whether there is one, a new one shown once, and a test of the one on paper. */
export function RecoveryCard({ there }: { there: boolean }) {
  const words = useWords(keyWords);
  const owner = useSession().person.role === "owner";
  const make = useNewRecovery();
  const [asking, setAsking] = useState(false);
  const made = make.data;
  return (
    <Card title={words.recovery}>
      {!made && <Note kind={there ? "ok" : "care"}>{there ? words.recoveryThere : words.recoveryNone}</Note>}
      {!owner && <p className="mt-3 text-muted">{words.ownersOnly}</p>}
      {made ? (
        <Shown made={made} onDone={() => make.reset()} />
      ) : (
        owner && (
          <div className="mt-4">
            {make.error && !asking && <div className="mb-3"><ErrorPanel error={make.error} /></div>}
            <Button kind={there ? undefined : "primary"} busy={make.isPending} onClick={() => (there ? setAsking(true) : make.mutate())}>
              {there ? words.makeAnother : words.make}
            </Button>
          </div>
        )
      )}
      {owner && there && !made && <Test />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={words.makeTitle}
        keep={words.keep}
        act={words.makeAnother}
        busy={make.isPending}
        error={make.error}
        onAct={() => make.mutate(undefined, { onSuccess: () => setAsking(false) })}
      >
        {words.makeLead}
      </Confirm>
    </Card>
  );
}

function Shown({ made, onDone }: { made: Schema<"RecoveryKey">; onDone: () => void }) {
  const words = useWords(keyWords);
  return (
    <div className="grid justify-items-start gap-4" role="status">
      <Note kind="care">{words.shownOnce}</Note>
      <code className="rounded-m bg-sunken px-4 py-3 text-lg tracking-wide [overflow-wrap:anywhere]">{made.key}</code>
      <Code rows={made.qr} label={words.qr} />
      <Button kind="primary" onClick={onDone}>{words.written}</Button>
    </div>
  );
}

/** A QR code, dark on white in every theme: readers want it so. */
function Code({ rows, label }: { rows: string[]; label: string }) {
  const path = rows.flatMap((row, y) => [...row].map((bit, x) => (bit === "1" ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${rows.length} ${rows.length}`} className="size-48" shapeRendering="crispEdges">
      <rect width="100%" height="100%" fill="white" />
      <path d={path} fill="black" />
    </svg>
  );
}

function Test() {
  const words = useWords(keyWords);
  const test = useTestRecovery();
  const [text, setText] = useState("");
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!test.isPending && text.trim()) test.mutate(text, { onSuccess: () => setText("") });
  }
  return (
    <form onSubmit={submit} className="mt-5 grid max-w-gate gap-3">
      <TextField label={words.testField} help={words.testHelp} autoComplete="off" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
      {test.error && <ErrorPanel error={test.error} />}
      <div role="status">{test.isSuccess && <Note kind="ok">{words.right}</Note>}</div>
      <div><Button type="submit" busy={test.isPending} disabled={!text.trim()}>{words.test}</Button></div>
    </form>
  );
}
