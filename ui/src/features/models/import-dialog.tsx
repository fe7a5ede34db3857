import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField, TextField } from "@/components/ui/field";
import { Note } from "@/components/ui/note";
import { Progress } from "@/components/ui/progress";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { ended, jobQuery, type ModelFile, serversQuery, useImport, useRefresh, useStopJob } from "./queries";
import { modelWords } from "./words";

/** Brings a model file to an Ollama, which makes a model of it. */
export function ImportDialog({ file, onClose }: { file: ModelFile; onClose: () => void }) {
  const words = useWords(modelWords);
  const [job, setJob] = useState<{ id: string; name: string } | null>(null);
  return (
    <Dialog open wide onClose={onClose} title={words.importTitle(file.name)} lead={words.importLead}>
      {job ? <ImportJob {...job} onClose={onClose} /> : <ImportForm file={file} onStarted={(id, name) => setJob({ id, name })} onClose={onClose} />}
    </Dialog>
  );
}

function ImportForm({ file, onStarted, onClose }: { file: ModelFile; onStarted: (job: string, name: string) => void; onClose: () => void }) {
  const words = useWords(modelWords);
  const id = useId();
  const servers = useQuery(serversQuery);
  const shelves = (servers.data?.items ?? []).filter((s) => s.kind === "ollama" && s.enabled);
  const start = useImport();
  const [server, setServer] = useState("");
  const [name, setName] = useState(nameFor(file.name));
  const [template, setTemplate] = useState("");
  const chosen = server || shelves[0]?.id;
  const problem = start.error && asProblem(start.error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!chosen || start.isPending) return;
    const form = event.currentTarget;
    start.mutate(
      { server: chosen, file: file.name, name: name.trim(), ...(template.trim() ? { template } : {}) },
      {
        onSuccess: ({ job }) => onStarted(job.id, name.trim()),
        onError: (error) => asProblem(error).field("name") && form.querySelector<HTMLInputElement>("[name=name]")?.focus(),
      },
    );
  }

  if (!servers.data && servers.error) return <ErrorPanel title={words.serversFailed} error={servers.error} retry={() => void servers.refetch()} />;
  if (servers.data && shelves.length === 0) return <Note kind="care">{words.noShelf}</Note>;
  return (
    <form noValidate onSubmit={submit} className="grid grid-cols-1 gap-4">
      {problem && !problem.field("name") && <ErrorPanel error={problem} />}
      <SelectField label={words.server} value={chosen ?? ""} options={shelves.map((s) => ({ value: s.id, label: s.name }))} onChange={setServer} />
      <TextField
        label={words.modelName}
        name="name"
        help={words.modelNameHelp}
        value={name}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-first-focus
        error={problem?.field("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <div>
        <label htmlFor={id} className="mb-1.5 block text-s font-medium">{words.template}</label>
        <textarea
          id={id}
          rows={3}
          value={template}
          spellCheck={false}
          aria-describedby={`${id}-help`}
          onChange={(event) => setTemplate(event.target.value)}
          className="thin-scroll block w-full rounded-s bg-raised px-2.75 py-2 font-code text-xs text-text ring-edge"
        />
        <p id={`${id}-help`} className="mt-1.5 text-s text-muted">{words.templateHelp}</p>
      </div>
      <DialogActions>
        <Button onClick={onClose}>{words.cancel}</Button>
        <Button kind="primary" type="submit" disabled={!chosen} busy={start.isPending}>{words.start}</Button>
      </DialogActions>
    </form>
  );
}

/** A name that Ollama takes, made of the name of a file. */
function nameFor(file: string): string {
  return file.replace(/\.gguf$/i, "").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, 80);
}

/** How far an import is. It goes on when the dialog is closed. */
function ImportJob({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const words = useWords(modelWords);
  const format = useFormat();
  const refresh = useRefresh();
  const job = useQuery(jobQuery(id));
  const stop = useStopJob();
  const state = job.data?.state;
  useEffect(() => {
    if (state === "done") void refresh();
    // refresh is made anew with each render and does the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [state]);
  const progress = job.data?.progress;
  // The server names the step, and after a colon what Ollama says of it.
  const noteText = (note: string) => {
    const [step = "", ...said] = note.split(": ");
    return [words.importNotes[step] ?? step, ...said].join(": ");
  };
  const over = job.data ? ended(job.data) : false;
  return (
    <div className="grid grid-cols-1 gap-4">
      {job.error && <ErrorPanel error={job.error} retry={() => void job.refetch()} />}
      {stop.error && <ErrorPanel error={stop.error} />}
      {state === "done" && <Note kind="ok">{words.imported(name)}</Note>}
      {state === "cancelled" && <Note>{words.importStopped(name)}</Note>}
      {(state === "failed" || (!over && job.data?.error)) && <Note kind={state === "failed" ? "bad" : "care"}>{job.data?.error || words.failed}</Note>}
      {!over && (
        <div>
          <p className="flex justify-between gap-3">
            <span className="min-w-0 truncate">{words.importing(name)}</span>
            {progress && progress.total > 0 && (
              <span className="num flex-none text-s text-muted">{words.of(format.bytes(progress.done), format.bytes(progress.total))}</span>
            )}
          </p>
          <Progress label={words.importing(name)} done={progress?.done ?? 0} total={progress?.total ?? 0} className="mt-2" />
          <p role="status" className="mt-1 min-h-5 text-s text-muted">{noteText(progress?.note ?? "")}</p>
        </div>
      )}
      <DialogActions>
        {!over && <Button busy={stop.isPending || stop.isSuccess} onClick={() => stop.mutate(id)}>{words.stop}</Button>}
        <Button kind="primary" data-first-focus onClick={onClose}>{words.close}</Button>
      </DialogActions>
    </div>
  );
}
