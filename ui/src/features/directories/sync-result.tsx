import type { Schema } from "@/api/types";
import { Note } from "@/components/ui/note";
import { useWords } from "@/lib/words";
import { directoryWords } from "./words";

/** What the last synchronisation did, or a dry run would do. */
export function SyncResult({ result: r }: { result: Schema<"SyncResult"> }) {
  const words = useWords(directoryWords);
  return (
    <section aria-label={r.dryRun ? words.wouldDo : words.lastRun} className="grid gap-2">
      <h3 className="font-semibold">{r.dryRun ? words.wouldDo : words.lastRun}</h3>
      {r.error && <Note kind="bad">{r.error} {r.cure}</Note>}
      <p className="num">{words.counts(r)}</p>
      {r.changes && r.changes.length > 0 && (
        <details>
          <summary className="cursor-pointer">{words.changes(r.changes.length)}</summary>
          <ul className="thin-scroll mt-1 grid max-h-80 gap-0.5 overflow-y-auto text-s">
            {r.changes.map((c, i) => (
              // Two changes may be of one entry.
              <li key={i} className="break-words"><span className="font-medium">{words.acts[c.act]}</span> {c.name} <code>{c.dn}</code> <span className="text-muted">{c.what?.join(", ")}</span></li>
            ))}
          </ul>
        </details>
      )}
      {r.problems.length > 0 && (
        <details>
          <summary className="cursor-pointer">{words.problems(r.problems.length)}</summary>
          <ul className="thin-scroll mt-1 grid max-h-80 gap-1 overflow-y-auto text-s">
            {r.problems.map((p, i) => <li key={i} className="break-words"><code>{p.dn}</code> <span className="text-muted">{p.why}</span></li>)}
          </ul>
        </details>
      )}
    </section>
  );
}
