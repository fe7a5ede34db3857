import { Check, CircleOff, Clock, Ellipsis, FlaskConical, LifeBuoy, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { DrillBadge, DrillLine } from "./drill";
import { type Drill, type Target, type Trial, useDrill, useRemoveTarget, useTestTarget } from "./queries";
import { backupWords } from "./words";

/** One target: how far it is, what it holds, what is wrong with it. */
export function TargetCard({ target, drills }: { target: Target; drills: Drill[] }) {
  const words = useWords(backupWords);
  const toast = useToast();
  const test = useTestTarget();
  const remove = useRemoveTarget();
  const drill = useDrill();
  const last = drills.find(({ target: of }) => of === target.id);
  const [asking, setAsking] = useState(false);
  return (
    <li className="card min-w-0 rounded-m bg-raised px-5 py-4 card-edge">
      <div className="flex items-start gap-3">
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <h2 className="text-m break-words">{target.name}</h2>
            <StateOf target={target} />
            <DrillBadge drill={drills.find(({ target: of, state }) => of === target.id && (state === "passed" || state === "failed"))} />
          </div>
          <p className="mt-1 font-code text-xs break-all text-muted">{target.url}</p>
          <Facts target={target} />
        </div>
        <Button small className="max-frame:hidden" busy={test.isPending} aria-label={`${words.test}: ${target.name}`} onClick={() => test.mutate(target.id)}>
          <FlaskConical aria-hidden="true" className="size-4" />{words.test}
        </Button>
        <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(target.name)} />}>
          <MenuItem icon={FlaskConical} onSelect={() => test.mutate(target.id)}>{words.test}</MenuItem>
          <MenuItem icon={LifeBuoy} disabled={last !== undefined && !last.endedAt} onSelect={() => drill.mutate(target.id)}>{words.drill}</MenuItem>
          <MenuItem danger icon={Trash2} onSelect={() => {
            remove.reset();
            setAsking(true);
          }}>{words.remove}</MenuItem>
        </Menu>
      </div>
      {target.why && (
        <Note kind="bad" className="mt-3">{target.why} {target.cure && <span className="text-muted">{target.cure}</span>}</Note>
      )}
      <Warnings target={target} />
      {last && <DrillLine drill={last} />}
      {drill.error && <div className="mt-3"><ErrorPanel error={drill.error} /></div>}
      <div role="status">
        {test.isPending && <p className="mt-3 text-s text-muted">{words.testing}</p>}
        {test.data && <Found name={target.name} trial={test.data} />}
      </div>
      {test.error && <div className="mt-3"><ErrorPanel error={test.error} /></div>}
      {asking && (
        <Confirm
          open
          onClose={() => setAsking(false)}
          title={words.removeTitle(target.name)}
          keep={words.keepIt}
          act={words.remove}
          busy={remove.isPending}
          error={remove.error}
          onAct={() => remove.mutate(target.id, { onSuccess: () => toast(words.removed(target.name)) })}
        >
          {words.removeLead}
        </Confirm>
      )}
    </li>
  );
}

function StateOf({ target }: { target: Target }) {
  const words = useWords(backupWords);
  const word = words.states[target.state];
  switch (target.state) {
    case "current":
      return <Pill kind="ok" icon={Check}>{word}</Pill>;
    case "failing":
      return <Pill kind="bad" icon={CircleOff}>{word}</Pill>;
    case "behind":
      return <Pill kind="care" icon={Clock}>{word}</Pill>;
    default:
      return <Pill kind="live">{word}</Pill>;
  }
}

function Facts({ target }: { target: Target }) {
  const words = useWords(backupWords);
  const format = useFormat();
  // Below some seconds it is the copying itself, and says nothing.
  const behind = target.behindMs >= 5_000 && words.behindBy(words.length(target.behindMs / 1_000, format.number));
  const facts = [
    words.kinds[target.kind],
    behind,
    target.filesWaiting > 0 && words.filesWaiting(target.filesWaiting, format.number(target.filesWaiting)),
    target.bytes > 0 && words.holds(format.bytes(target.bytes)),
    target.oldestAt && words.since(format.time(target.oldestAt)),
    target.state !== "current" && target.contactAt && words.contact(format.time(target.contactAt)),
    target.wait && words.waits,
    target.rate > 0 && words.limited(format.bytes(target.rate)),
  ].filter(Boolean);
  return <p className="num mt-1 text-s text-muted">{facts.join(" · ")}</p>;
}

function Warnings({ target }: { target: Target }) {
  const words = useWords(backupWords);
  const format = useFormat();
  return (
    <>
      {target.filesLate > 0 && <Note kind="care" className="mt-3">{words.late(target.filesLate, format.number(target.filesLate))}</Note>}
      {target.keeps && <Note className="mt-3">{words.keeps}</Note>}
    </>
  );
}

/** What a test found: that it works, and what one should know of it. */
export function Found({ name, trial }: { name: string; trial: Trial }) {
  const words = useWords(backupWords);
  const format = useFormat();
  return (
    <>
      <Note kind="ok" className="mt-3">{words.tested(name, format.number(trial.tookMs))}</Note>
      {trial.sameDisk && <Note kind="care" className="mt-2">{words.sameDisk}</Note>}
      {!trial.conditional && <Note kind="care" className="mt-2">{words.notConditional}</Note>}
      {!trial.deletes && <Note className="mt-2">{words.noDelete}</Note>}
    </>
  );
}
