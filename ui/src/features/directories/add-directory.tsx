import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { ErrorPanel } from "@/components/ui/error-panel";
import { CheckField, Choice, PasswordField, TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { useWords } from "@/lib/words";
import { directoriesQuery } from "./queries";
import { directoryWords } from "./words";

type Preset = "ad" | "openldap";

/** Adds a directory by a preset; what the preset knows need not be entered. */
export function AddDirectory({ onDone }: { onDone: () => void }) {
  const words = useWords(directoryWords);
  const toast = useToast();
  const queries = useQueryClient();
  const [preset, setPreset] = useState<Preset>("ad");
  const [values, setValues] = useState({ name: "", urls: "", base: "", bindDn: "", password: "", only: "", ca: "" });
  const [groups, setGroups] = useState(true);
  const [every, setEvery] = useState(true);
  const add = useMutation({
    mutationFn: () =>
      body(
        api.POST("/api/directories", {
          body: {
            name: values.name.trim(),
            ...(values.password && { password: values.password }),
            settings: {
              preset,
              urls: values.urls.split(/[\s,]+/).filter(Boolean),
              base: values.base.trim(),
              ...(values.bindDn.trim() && { bindDn: values.bindDn.trim() }),
              ...(values.only.trim() && { only: values.only.trim() }),
              ...(values.ca.trim() && { ca: values.ca }),
              groups,
              ...(every && { everyMinutes: 60 }),
              brakePercent: 20,
            },
          },
        }),
      ),
    onSuccess: () => {
      toast(words.added);
      onDone();
      return queries.invalidateQueries({ queryKey: directoriesQuery.queryKey });
    },
  });
  const problem = add.error ? asProblem(add.error) : null;
  const field = (name: keyof typeof values) => ({
    name,
    autoComplete: "off",
    spellCheck: false,
    value: values[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: problem?.field(name),
  });
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!add.isPending) add.mutate();
  }
  return (
    <form noValidate onSubmit={submit} className="grid gap-4">
      {problem && problem.fields.length === 0 && <ErrorPanel error={add.error} />}
      <Choice label={words.preset} value={preset} onChange={setPreset} options={[{ value: "ad", label: words.presets.ad }, { value: "openldap", label: words.presets.openldap }]} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label={words.name} help={words.nameHelp} {...field("name")} />
        <TextField label={words.urls} help={words.urlsHelp} placeholder="ldaps://dc1.clinic.example" {...field("urls")} />
        <TextField label={words.base} placeholder="dc=clinic,dc=example" {...field("base")} />
        <TextField label={words.bindDn} help={words.bindDnHelp} {...field("bindDn")} />
        <PasswordField label={words.bindPassword} help={words.bindPasswordHelp} {...field("password")} autoComplete="new-password" />
        <TextField label={words.only} help={words.onlyHelp} {...field("only")} />
      </div>
      <label className="grid gap-1.5">
        <span className="text-s font-medium">{words.ca}</span>
        <textarea rows={4} spellCheck={false} className="input rounded-s bg-raised p-2.5 font-mono text-s text-text" value={values.ca} onChange={(event) => setValues({ ...values, ca: event.target.value })} />
        {problem?.field("ca") && <span className="text-s text-danger">{problem.field("ca")}</span>}
      </label>
      <CheckField label={words.groups} checked={groups} onChange={setGroups} />
      <CheckField label={words.everyHour} help={words.everyHourHelp} checked={every} onChange={setEvery} />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" type="submit" busy={add.isPending}>{words.add}</Button>
        <Button onClick={onDone}>{words.cancel}</Button>
      </div>
    </form>
  );
}
