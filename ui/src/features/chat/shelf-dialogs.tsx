import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, body } from "@/api/client";
import { key } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { Loading, Skeleton } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { type Conversation, foldersQuery } from "./queries";
import type { Shelf } from "./shelf-acts";

interface ShelfDialogProps {
  row: Conversation;
  shelf: Shelf;
  onClose: () => void;
}

/** What a chat's menu opens: where it lies, its tags, its link. */
export default function ShelfDialogs({ act, ...props }: ShelfDialogProps & { act: "move" | "tags" | "share" }) {
  return act === "move" ? <Move {...props} /> : act === "tags" ? <Tags {...props} /> : <Share {...props} />;
}

const fresh = "+";

function Move({ row, shelf, onClose }: ShelfDialogProps) {
  const { words } = shelf;
  const queries = useQueryClient();
  const query = useQuery(foldersQuery);
  const folders = query.data?.items ?? [];
  const [chosen, setChosen] = useState<string>();
  const [name, setName] = useState("");
  const now = chosen ?? (query.data ? row.folder || (folders.length === 0 ? fresh : "") : "");
  const make = useMutation({
    mutationFn: () => body(api.POST("/api/chat/folders", { body: { name } })),
    onSuccess: (folder) => {
      void queries.invalidateQueries({ queryKey: key("/api/chat/folders") });
      shelf.move(folder.id, folder.name);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (now === fresh) return make.mutate();
    if (now !== (row.folder ?? "")) shelf.move(now, folders.find((folder) => folder.id === now)?.name ?? "");
    onClose();
  };
  const option = (value: string, label: string) => (
    <label key={value} className="flex min-h-(--row) items-center gap-2.5 rounded-s px-2 py-1 hover:bg-hover has-focus-visible:outline-2 has-focus-visible:-outline-offset-2 has-focus-visible:outline-focus">
      <input type="radio" name="folder" data-first-focus={now === value || undefined} checked={now === value} onChange={() => setChosen(value)} className="size-4 flex-none accent-accent outline-none" />
      <span className="min-w-0 flex-1 truncate">{label}</span>
    </label>
  );
  return (
    <Dialog open onClose={onClose} title={words.moveTitle(row.title)}>
      <form onSubmit={submit}>
        {make.error ? <ErrorPanel error={make.error} /> : null}
        {query.isPending ? (
          <Loading className="grid gap-3"><Skeleton className="w-2/5" /><Skeleton className="w-3/5" /></Loading>
        ) : (
          <fieldset className="-mx-2">
            <legend className="unseen">{words.folders}</legend>
            {option("", words.noFolder)}
            {folders.map((folder) => option(folder.id, folder.name))}
            {option(fresh, words.newFolder)}
          </fieldset>
        )}
        {now === fresh && <TextField className="mt-2" label={words.folderName} maxLength={60} required value={name} onChange={(event) => setName(event.target.value)} />}
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind="primary" type="submit" busy={make.isPending} disabled={now === fresh && name.trim() === ""}>{words.moveDo}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Tags({ row, shelf, onClose }: ShelfDialogProps) {
  const { words } = shelf;
  const [text, setText] = useState((row.tags ?? []).join(", "));
  const known = useQuery({ queryKey: key("/api/chat/tags"), queryFn: ({ signal }) => body(api.GET("/api/chat/tags", { signal })) }).data?.items ?? [];
  const tags = text.split(",").map((tag) => tag.trim().toLowerCase()).filter(Boolean);
  const others = known.filter(({ name }) => !tags.includes(name));
  const save = useMutation({ mutationFn: () => shelf.tag(tags), onSuccess: onClose });
  return (
    <Dialog open onClose={onClose} title={words.tagsTitle(row.title)} lead={words.tagsLead}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {save.error ? <ErrorPanel error={save.error} /> : null}
        <TextField data-first-focus label={words.tagsLabel} autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
        {others.length > 0 && (
          <div role="group" aria-label={words.tagsKnown} className="mt-3 flex flex-wrap gap-1.5">
            {others.slice(0, 20).map(({ name }) => (
              <Button key={name} small onClick={() => setText([...tags, name].join(", "))}>{name}</Button>
            ))}
          </div>
        )}
        <DialogActions>
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>{words.save}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function Share({ row, shelf, onClose }: ShelfDialogProps) {
  const { words } = shelf;
  const queries = useQueryClient();
  const toast = useToast();
  const format = useFormat();
  const queryKey = key("/api/shares", row.id);
  const query = useQuery({ queryKey, queryFn: ({ signal }) => body(api.GET("/api/shares", { params: { query: { conversation: row.id } }, signal })) });
  const share = query.data?.items[0];
  const refresh = () => Promise.all([queries.invalidateQueries({ queryKey }), queries.invalidateQueries({ queryKey: key("/api/conversations") })]);
  const path = { path: { id: row.id } };
  const make = useMutation({ mutationFn: () => api.POST("/api/conversations/{id}/share", { params: path }), onSettled: refresh });
  const end = useMutation({
    mutationFn: () => api.DELETE("/api/conversations/{id}/share", { params: path }),
    onSuccess: () => {
      toast(words.shareEnded);
      onClose();
    },
    onSettled: refresh,
  });
  const link = share ? new URL(`/s/${share.id}`, location.origin).href : "";
  const error = query.error ?? make.error ?? end.error;
  return (
    <Dialog open onClose={onClose} title={words.shareTitle(row.title)} lead={words.shareLead}>
      {error ? <ErrorPanel error={error} /> : null}
      {query.isPending && <Loading><Skeleton className="h-9" /></Loading>}
      {share && (
        <>
          <TextField data-first-focus label={words.shareLink} readOnly value={link} onFocus={(event) => event.target.select()} />
          <p className="mt-1.5 text-s text-muted">{words.shareSince(format.time(share.createdAt))}{share.current ? "" : `. ${words.shareBehind}`}</p>
        </>
      )}
      <DialogActions>
        {share && <Button kind="quiet-danger" busy={end.isPending} onClick={() => end.mutate()}>{words.shareEnd}</Button>}
        {share && !share.current && <Button busy={make.isPending} onClick={() => make.mutate()}>{words.shareUpdate}</Button>}
        {share ? (
          <Button kind="primary" onClick={() => void navigator.clipboard.writeText(link).then(() => toast(words.shareCopied), () => undefined)}>
            <Copy aria-hidden="true" className="size-4" />
            {words.shareCopy}
          </Button>
        ) : (
          <Button kind="primary" data-first-focus disabled={query.isPending} busy={make.isPending} onClick={() => make.mutate()}>{words.shareMake}</Button>
        )}
      </DialogActions>
    </Dialog>
  );
}
