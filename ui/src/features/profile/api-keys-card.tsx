import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { key } from "@/api/query";
import type { Schema } from "@/api/types";
import { ProveDialog } from "@/components/second/prove-dialog";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, SelectField, TextField } from "@/components/ui/field";
import { Card } from "@/components/ui/frame";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { apiKeyWords } from "./api-key-words";

const keysQuery = queryOptions({
  queryKey: key("/api/api-keys"),
  queryFn: ({ signal }) => body(api.GET("/api/api-keys", { signal })),
});

type Scope = Schema<"ListApiKeysResponse">["scopes"][number];

/** Keys with which programs act for oneself. */
export function ApiKeysCard() {
  const words = useWords(apiKeyWords);
  const toast = useToast();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(keysQuery);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [ending, setEnding] = useState<Schema<"APIKey"> | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: keysQuery.queryKey });
  const revoke = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/api-keys/{id}", { params: { path: { id } } }),
    onSuccess: () => {
      toast(words.revoked);
      setEnding(null);
      return again();
    },
  });

  let inside;
  if (error && !data) inside = <ErrorPanel error={error} title={words.failed} retry={() => void refetch()} />;
  else if (!data) inside = <Loading className="grid gap-3 py-2"><Skeleton className="w-3/5" /></Loading>;
  else
    inside = (
      <div className="grid gap-4">
        {made !== null && <NewKey secret={made} onKept={() => setMade(null)} />}
        {data.items.length > 0 && (
          <ul className="-mx-5 border-y border-line">
            {data.items.map((k) => <KeyRow key={k.id} apiKey={k} onRevoke={() => setEnding(k)} />)}
          </ul>
        )}
        {making ? (
          <NewKeyForm
            scopes={data.scopes}
            maxDays={data.maxDays}
            onCancel={() => setMaking(false)}
            onMade={(secret) => {
              setMaking(false);
              setMade(secret);
              void again();
            }}
          />
        ) : (
          made === null && <div><Button onClick={() => setMaking(true)}>{words.make}</Button></div>
        )}
      </div>
    );
  return (
    <Card title={words.title}>
      <p className="-mt-1 mb-3 text-muted">{words.lead}</p>
      {inside}
      <Confirm
        open={ending !== null}
        onClose={() => {
          setEnding(null);
          revoke.reset();
        }}
        title={words.revokeTitle(ending?.name ?? "")}
        keep={words.keep}
        act={words.revoke}
        busy={revoke.isPending}
        error={revoke.error}
        onAct={() => ending && revoke.mutate(ending.id)}
      >
        {words.revokeLead}
      </Confirm>
    </Card>
  );
}

function KeyRow({ apiKey: k, onRevoke }: { apiKey: Schema<"APIKey">; onRevoke: () => void }) {
  const words = useWords(apiKeyWords);
  const format = useFormat();
  return (
    <li className="flex items-start gap-3 border-line px-5 py-2.5 not-first:border-t">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2">
          <span className="truncate font-medium">{k.name}</span>
          {k.expired && <Pill kind="care">{words.expired}</Pill>}
        </p>
        <p className="text-s text-muted">{k.scopes.map((s) => words.scopes[s] ?? s).join(" · ")}</p>
        <p className="num text-s text-muted">
          {words.until(format.date(k.expiresAt))}, {k.lastUsed ? words.used(format.age(k.lastUsed), k.address ?? "") : words.unused}
        </p>
      </div>
      <Button small kind="quiet" aria-label={words.revokeNamed(k.name)} onClick={onRevoke}>{words.revoke}</Button>
    </li>
  );
}

function NewKey({ secret, onKept }: { secret: string; onKept: () => void }) {
  const words = useWords(apiKeyWords);
  const [copied, setCopied] = useState(false);
  return (
    <div className="grid gap-3">
      <Note kind="care">{words.once}</Note>
      <code aria-label={words.secret} className="rounded-m bg-sunken px-4 py-3 break-all select-all">{secret}</code>
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}>{copied ? words.copied : words.copy}</Button>
        <Button onClick={onKept}>{words.kept}</Button>
      </div>
    </div>
  );
}

interface NewKeyFormProps {
  scopes: Scope[];
  maxDays: number;
  onMade: (secret: string) => void;
  onCancel: () => void;
}

function NewKeyForm({ scopes, maxDays, onMade, onCancel }: NewKeyFormProps) {
  const words = useWords(apiKeyWords);
  const choices = [7, 30, 90, 180, 365].filter((d) => d < maxDays).concat(maxDays);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Scope[]>([]);
  const [days, setDays] = useState(String(choices.includes(90) ? 90 : choices[0]));
  const [checked, setChecked] = useState(false);
  const make = useMutation({
    mutationFn: () => body(api.POST("/api/api-keys", { body: { name: name.trim(), scopes: chosen, days: Number(days) } })),
    onSuccess: (k) => onMade(k.key),
  });
  const unproved = make.error !== null && asProblem(make.error).code === "prove-again";
  const nameError = (checked && !name.trim() ? words.nameMissing : undefined) ?? (make.error ? asProblem(make.error).field("name") : undefined);
  const scopeError = checked && chosen.length === 0 ? words.scopeMissing : undefined;

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setChecked(true);
    if (!make.isPending && name.trim() && chosen.length > 0) make.mutate();
  }
  return (
    <form noValidate onSubmit={submit} className="grid gap-4">
      {make.error && !unproved && !nameError && <ErrorPanel error={make.error} />}
      <TextField label={words.name} help={words.nameHelp} name="key-name" autoComplete="off" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} error={nameError} />
      <fieldset className="grid gap-2">
        <legend className="mb-1.5 text-s font-medium">{words.may}</legend>
        {scopes.map((s) => (
          <CheckField
            key={s}
            label={words.scopes[s] ?? s}
            help={<code>{s}</code>}
            checked={chosen.includes(s)}
            onChange={(on) => setChosen(scopes.filter((other) => (other === s ? on : chosen.includes(other))))}
          />
        ))}
        {scopeError && <p role="alert" className="text-s text-danger">{scopeError}</p>}
      </fieldset>
      <SelectField label={words.lives} value={days} options={choices.map((d) => ({ value: String(d), label: words.days(d) }))} onChange={setDays} className="max-w-48" />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" busy={make.isPending}>{words.make}</Button>
        <Button onClick={onCancel}>{words.cancel}</Button>
      </div>
      {unproved && <ProveDialog onClose={make.reset} onProved={() => make.mutate()} />}
    </form>
  );
}
