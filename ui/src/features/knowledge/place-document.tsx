import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { api, body } from "@/api/client";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorPanel } from "@/components/ui/error-panel";
import { TextField } from "@/components/ui/field";
import { useToast } from "@/components/ui/toast";
import { uiWords } from "@/components/ui/words";
import { useWords } from "@/lib/words";
import { type Document, outlineQuery, useRefresh } from "./queries";
import { accessWords, knowledgeWords } from "./words";

const parted = (tags: string) => tags.split(",").map((tag) => tag.trim()).filter(Boolean);

/** Puts a document into a folder and gives it tags. */
export function PlaceDocument({ document, onClose }: { document: Document; onClose: () => void }) {
  const words = useWords(accessWords);
  const base = useWords(knowledgeWords);
  const ui = useWords(uiWords);
  const toast = useToast();
  const refresh = useRefresh();
  const list = useId();
  const outline = useQuery(outlineQuery(document.knowledge));
  const [folder, setFolder] = useState(document.folder);
  const [tags, setTags] = useState(document.tags.join(", "));
  const place = useMutation({
    mutationFn: (to: { folder: string; tags: string[] }) => body(api.PATCH("/api/documents/{id}", { params: { path: { id: document.id } }, body: to })),
    onSettled: refresh,
  });
  const problem = place.error ? asProblem(place.error) : undefined;
  const fields = { folder: problem?.field("folder"), tags: problem?.field("tags") };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (place.isPending) return;
    const before = { folder: document.folder, tags: document.tags };
    place.mutate(
      { folder: folder.trim(), tags: parted(tags) },
      {
        onSuccess: () => {
          toast(words.placed(document.title), () => place.mutate(before));
          onClose();
        },
      },
    );
  };
  return (
    <Dialog open onClose={onClose} title={words.placeOf(document.title)}>
      <form onSubmit={submit} className="grid gap-4">
        {problem && !fields.folder && !fields.tags ? <ErrorPanel error={place.error} /> : null}
        <TextField
          data-first-focus
          label={words.folder}
          help={words.folderHelp}
          list={list}
          value={folder}
          maxLength={500}
          autoComplete="off"
          error={fields.folder}
          onChange={(event) => setFolder(event.target.value)}
        />
        <datalist id={list}>{outline.data?.folders.map(({ name }) => <option key={name} value={name} />)}</datalist>
        <TextField label={words.tags} help={words.tagsHelp} value={tags} maxLength={2_000} autoComplete="off" error={fields.tags} onChange={(event) => setTags(event.target.value)} />
        <DialogActions>
          <Button onClick={onClose}>{ui.cancel}</Button>
          <Button type="submit" kind="primary" busy={place.isPending}>{base.save}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
