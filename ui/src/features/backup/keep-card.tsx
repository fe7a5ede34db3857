import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { asProblem } from "@/api/problem";
import type { Schema } from "@/api/types";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Card } from "@/components/ui/frame";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { type KeepKey, keepKeys, keepQuery, useKeep } from "./queries";
import { backupWords } from "./words";

/** How often changes are copied and how long points of the past are kept. */
export function KeepCard() {
  const words = useWords(backupWords);
  const settings = useQuery(keepQuery);
  let form = <SkeletonRows rows={2} />;
  if (settings.data) form = <Keeping key={settings.dataUpdatedAt} settings={settings.data.items} />;
  else if (settings.isError) form = <ErrorPanel title={words.keepFailed} error={settings.error} retry={() => void settings.refetch()} />;
  return (
    <Card title={words.keep}>
      <p className="mb-4 text-muted">{words.keepLead}</p>
      {form}
    </Card>
  );
}

function Keeping({ settings }: { settings: Schema<"Setting">[] }) {
  const words = useWords(backupWords);
  const toast = useToast();
  const keep = useKeep();
  const of = (name: KeepKey) => settings.find((setting) => setting.key === name);
  const [values, setValues] = useState(() => new Map(keepKeys.map((name) => [name, String(of(name)?.value ?? "")])));
  const [wrong, setWrong] = useState<KeepKey | null>(null);
  const refused = keep.error ? asProblem(keep.error).field("value") : undefined;
  const changed = keepKeys.filter((name) => values.get(name)?.trim() !== String(of(name)?.value ?? ""));

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (keep.isPending || changed.length === 0) return;
    const odd = changed.find((name) => !/^-?\d+$/.test(values.get(name)?.trim() ?? ""));
    setWrong(odd ?? null);
    if (!odd) await keep.mutateAsync(changed.map((name) => ({ name, value: Number(values.get(name)) }))).then(() => toast(words.saved), () => undefined);
  }

  return (
    <form noValidate onSubmit={(event) => void submit(event)} className="grid gap-4">
      {keep.error && <ErrorPanel error={keep.error} />}
      <div className="grid gap-4 frame:grid-cols-2">
        {keepKeys.map((name) => (
          <TextField
            key={name}
            label={words.keeping[name].label}
            help={of(name)?.locked ? words.locked : words.keeping[name].help || undefined}
            error={wrong === name ? words.wrongNumber : undefined}
            inputMode="numeric"
            autoComplete="off"
            disabled={of(name)?.locked}
            value={values.get(name) ?? ""}
            onChange={(event) => setValues(new Map(values).set(name, event.target.value))}
          />
        ))}
      </div>
      {refused && <p className="text-s text-danger">{refused}</p>}
      <div><Button type="submit" busy={keep.isPending} disabled={changed.length === 0}>{words.save}</Button></div>
    </form>
  );
}
