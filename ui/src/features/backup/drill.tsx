import { LifeBuoy } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type Drill, useCancelDrill } from "./queries";
import { backupWords } from "./words";

/** Whether a restore from the target was tried, and how it went. */
export function DrillBadge({ drill }: { drill: Drill | undefined }) {
  const words = useWords(backupWords);
  const format = useFormat();
  if (!drill) return <Pill icon={LifeBuoy}>{words.drillNever}</Pill>;
  return drill.state === "passed" ? (
    <Pill kind="ok" icon={LifeBuoy}>{words.drillPassed(format.date(drill.endedAt ?? drill.startedAt))}</Pill>
  ) : (
    <Pill kind="bad" icon={LifeBuoy}>{words.drillFailed(format.date(drill.endedAt ?? drill.startedAt))}</Pill>
  );
}

/** The newest drill of a target: how far it is, what it found, or why it failed. */
export function DrillLine({ drill }: { drill: Drill }) {
  const words = useWords(backupWords);
  const format = useFormat();
  const cancel = useCancelDrill();
  if (!drill.endedAt) {
    const share = drill.total ? ` ${format.number(Math.floor(((drill.done ?? 0) / drill.total) * 100))}\u00a0%` : "";
    return (
      <div className="mt-3 flex flex-wrap items-center gap-3" role="status">
        <Pill kind="live">{words.drillRuns}</Pill>
        <span className="num text-s text-muted">{drill.step ? words.drillSteps[drill.step] + share : words.drillWaits}</span>
        <Button small busy={cancel.isPending} onClick={() => cancel.mutate(drill.id)}>{words.drillCancel}</Button>
      </div>
    );
  }
  if (drill.state === "failed") {
    return (
      <Note kind="bad" className="mt-3">
        {words.drillBad(format.time(drill.endedAt))} {drill.why} {drill.cure && <span className="text-muted">{drill.cure}</span>}
      </Note>
    );
  }
  if (drill.state !== "passed") return null;
  const lost = drill.lostMs > 0 ? words.drillLost(words.length(Math.max(drill.lostMs / 1_000, 1), format.number)) : words.drillNothingLost;
  return (
    <p className="num mt-2 text-s text-muted">
      {words.drillGood(format.time(drill.endedAt), words.length(Math.max(drill.tookMs / 1_000, 1), format.number), format.bytes(drill.bytes), format.number(drill.files))} {lost}
    </p>
  );
}
