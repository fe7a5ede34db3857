import { useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { Progress } from "@/components/ui/progress";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type BaseIndex, type IndexAct, indexQuery, useIndexAct } from "./index-queries";
import { indexWords } from "./index-words";
import type { Knowledge } from "./queries";

const builtIn = "built-in";

/** By which model a base is compared, what is being built anew, and what can be done about it. */
export function IndexTab({ base }: { base: Knowledge }) {
  const words = useWords(indexWords);
  const query = useQuery(indexQuery(base.id));
  if (query.isPending) return <SkeletonRows rows={4} />;
  if (!query.data) return <ErrorPanel title={words.failed} error={query.error} retry={() => void query.refetch()} />;
  return <Index base={base} index={query.data} />;
}

function Index({ base, index }: { base: Knowledge; index: BaseIndex }) {
  const words = useWords(indexWords);
  const format = useFormat();
  const toast = useToast();
  const act = useIndexAct(base.id);
  const named = (model: string) => (model === builtIn ? words.builtIn : index.choices.find((choice) => choice.model === model)?.label || model);
  const wanted = index.build?.model ?? index.model;
  const [chosen, setChosen] = useState<string>();
  const value = chosen ?? wanted;
  const models = index.choices.map((choice) => choice.model);
  const options = (models.includes(wanted) ? models : [wanted, ...models]).map((model) => ({ value: model, label: named(model) }));
  const doing = (what: IndexAct, said: string) => act.mutate(what, { onSuccess: () => { setChosen(undefined); toast(said); } });
  const busy = index.build?.state === "building" || index.renewals.total > 0;
  return (
    <div className="grid max-w-column gap-5">
      <p className="text-muted">{words.lead}</p>
      {index.away && (
        <Note kind="care">
          <p className="font-medium">{words.away}</p>
          <p className="text-s">{index.away.reason} {index.away.cure}</p>
        </Note>
      )}
      {index.foreign > 0 && <Note>{words.foreign(index.foreign, format.number(index.foreign))}</Note>}
      <section className="grid gap-4 rounded-m bg-raised p-4 card-edge">
        <form
          className="flex flex-wrap items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            doing({ act: "embed", model: value }, words.chosen(named(value)));
          }}
        >
          <SelectField label={words.model} value={value} options={options} onChange={setChosen} className="min-w-60 flex-1" />
          <Button type="submit" kind="primary" disabled={value === wanted} busy={act.isPending && act.variables.act === "embed"}>{words.change}</Button>
        </form>
        <p className="text-s text-muted">{words.modelHelp}</p>
        <dl className="num grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-s">
          <dt className="text-muted">{words.vectors}</dt>
          <dd>{words.vectorsOf(format.number(index.vectors), format.number(index.passages))}</dd>
          {index.dimension > 0 && (
            <>
              <dt className="text-muted">{words.dimension}</dt>
              <dd>{format.number(index.dimension)}</dd>
            </>
          )}
        </dl>
        {act.error && act.variables.act === "embed" ? <ErrorPanel title={words.changeFailed} error={act.error} /> : null}
      </section>
      {index.build && <Build build={index.build} model={named(index.build.model)} busy={act.isPending} onAgain={() => doing({ act: "again" }, words.started)} onStop={() => doing({ act: "stop" }, words.stopped)} />}
      {index.renewals.total > 0 && (
        <section aria-label={words.renewing} className="grid gap-2 rounded-m bg-raised p-4 card-edge">
          <div className="flex items-center gap-2">
            <h3 className="flex-1 font-medium">{words.renewing}</h3>
            {!index.build && <Button small busy={act.isPending} onClick={() => doing({ act: "stop" }, words.stopped)}>{words.stop}</Button>}
          </div>
          <Progress label={words.renewing} done={index.renewals.done} total={index.renewals.total} />
          <p className="num text-s text-muted">{words.documentsDone(format.number(index.renewals.done), format.number(index.renewals.total))}</p>
        </section>
      )}
      {index.renewals.failed > 0 && <Note kind="care">{words.failures(index.renewals.failed, format.number(index.renewals.failed))}</Note>}
      <section className="grid justify-items-start gap-2">
        <p className="text-s text-muted">{words.againLead}</p>
        <Button disabled={busy} busy={act.isPending && act.variables.act === "again"} onClick={() => doing({ act: "again" }, words.started)}>
          <RotateCcw aria-hidden="true" />
          {words.again}
        </Button>
        {act.error && act.variables.act !== "embed" ? <ErrorPanel title={words.againFailed} error={act.error} /> : null}
      </section>
    </div>
  );
}

interface BuildProps {
  build: NonNullable<BaseIndex["build"]>;
  model: string;
  busy: boolean;
  onAgain: () => void;
  onStop: () => void;
}

function Build({ build, model, busy, onAgain, onStop }: BuildProps) {
  const words = useWords(indexWords);
  const format = useFormat();
  const broken = build.state === "failed";
  const title = broken ? words.broken(model) : words.building(model);
  return (
    <section aria-label={title} className="grid gap-2 rounded-m bg-raised p-4 card-edge">
      <div className="flex flex-wrap items-center gap-2">
        <h3 className="min-w-0 flex-1 font-medium">{title}</h3>
        {broken && <Button small busy={busy} onClick={onAgain}>{words.goOn}</Button>}
        <Button small busy={busy} onClick={onStop}>{words.stop}</Button>
      </div>
      <Progress label={title} done={build.done} total={build.total} />
      <p className="num text-s text-muted">{words.passagesDone(format.number(build.done), format.number(build.total))}</p>
      {build.reason && (
        <Note kind={broken ? "bad" : "care"}>
          {!broken && <p className="font-medium">{words.waits}</p>}
          <p className="text-s">{build.reason} {build.cure}</p>
        </Note>
      )}
    </section>
  );
}
