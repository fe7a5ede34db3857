import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { FileSearch, FileText, Search, Upload } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField, TextField } from "@/components/ui/field";
import { More } from "@/components/ui/more";
import { SkeletonRows } from "@/components/ui/skeleton";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { DocumentTable } from "./document-table";
import { type Document, documentsQuery, type Knowledge, outlineQuery, useDocumentAct } from "./queries";
import { accessWords, knowledgeWords } from "./words";

/** The states a list is narrowed to; those between waiting and ready are over too soon. */
const states = ["ready", "waiting", "failed", "quarantined"] as const;

/** The documents of a base: found by name, each with its state and what can be done about it. */
export function DocumentsTab({ base, onChoose }: { base: Knowledge; onChoose: () => void }) {
  const words = useWords(knowledgeWords);
  const rules = useWords(accessWords);
  const [typed, setTyped] = useState("");
  const [state, setState] = useState<Document["state"] | "">("");
  const q = useDeferredValue(typed.trim());
  const [folder, setFolder] = useState("");
  const [tag, setTag] = useState("");
  const [type, setType] = useState("");
  const list = useInfiniteQuery(documentsQuery(base.id, { q, state, folder, tag, type }));
  const outline = useQuery(outlineQuery(base.id)).data;
  const narrowed = folder || tag || type;
  const act = useDocumentAct();
  const [removing, setRemoving] = useState<Document>();
  const mayEdit = base.right === "edit";
  const documents = list.data?.pages.flatMap((page) => page.items);

  let content;
  if (list.isPending) content = <SkeletonRows rows={6} />;
  else if (!documents) content = <ErrorPanel title={words.documentsFailed} error={list.error} retry={() => void list.refetch()} />;
  else if (documents.length === 0 && q) {
    content = (
      <Empty icon={FileSearch} title={words.noMatch} action={<Button onClick={() => setTyped("")}>{words.clear}</Button>}>
        {words.noMatchHelp}
      </Empty>
    );
  } else if (documents.length === 0 && narrowed) {
    const showAll = () => {
      setFolder("");
      setTag("");
      setType("");
    };
    content = (
      <Empty icon={FileSearch} title={rules.noneFits} action={<Button onClick={showAll}>{rules.showAll}</Button>}>
        {rules.noneFitsHelp}
      </Empty>
    );
  } else if (documents.length === 0 && state) {
    content = (
      <Empty icon={FileSearch} title={words.noneInState} action={<Button onClick={() => setState("")}>{words.everyState}</Button>}>
        {words.noneInStateHelp}
      </Empty>
    );
  } else if (documents.length === 0) {
    content = (
      <Empty
        icon={FileText}
        title={words.noDocuments}
        action={mayEdit && <Button kind="primary" onClick={onChoose}><Upload aria-hidden="true" />{words.upload}</Button>}
      >
        {mayEdit ? words.noDocumentsHelp : words.noDocumentsRead}
      </Empty>
    );
  } else {
    content = (
      <>
        <DocumentTable
          documents={documents}
          mayEdit={mayEdit}
          onAct={(wanted, document) => (wanted === "remove" ? setRemoving(document) : act.mutate({ document, act: wanted }))}
        />
        {list.hasNextPage && (
          <More label={words.more} busy={list.isFetchingNextPage} error={list.isFetchNextPageError ? list.error : null} onMore={() => void list.fetchNextPage({ cancelRefetch: false })} />
        )}
      </>
    );
  }
  return (
    <>
      {(typed || state || narrowed || (documents && documents.length > 0)) && (
        <div className="mb-3 flex flex-wrap gap-2">
          <TextField
            hideLabel
            type="search"
            icon={Search}
            label={words.find}
            placeholder={words.find}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            className="min-w-0 flex-1 max-frame:basis-full frame:max-w-72"
          />
          <SelectField
            hideLabel
            label={words.stateFilter}
            value={state}
            options={[{ value: "", label: words.everyState }, ...states.map((value) => ({ value, label: words.states[value] }))]}
            onChange={setState}
          />
          {outline && <Only label={rules.folder} all={rules.everyFolder} counts={outline.folders} value={folder} onChange={setFolder} />}
          {outline && <Only label={rules.tags} all={rules.everyTag} counts={outline.tags} value={tag} onChange={setTag} />}
          {outline && outline.types.length > 1 && <Only label={rules.type} all={rules.everyType} counts={outline.types} value={type} onChange={setType} name={typeName} />}
        </div>
      )}
      {act.error && act.variables.act !== "remove" ? (
        <div className="mb-3">
          <ErrorPanel title={words.actFailed(act.variables.document.title)} error={act.error} retry={() => act.mutate(act.variables)} />
        </div>
      ) : null}
      {content}
      {removing && <RemoveDocument document={removing} onClose={() => setRemoving(undefined)} />}
    </>
  );
}

/** What people call a media type: the last part of it, without its house's name. */
function typeName(media: string): string {
  const name = media.split("/").pop() ?? media;
  const known: Record<string, string> = { plain: "TXT", markdown: "Markdown", pdf: "PDF", csv: "CSV", html: "HTML", document: "DOCX", presentation: "PPTX", sheet: "XLSX" };
  const last = name.split(".").pop() ?? name;
  return known[last] ?? last.replace(/^x-/, "").toUpperCase();
}

interface OnlyProps {
  label: string;
  all: string;
  counts: readonly { name: string; documents: number }[];
  value: string;
  onChange: (value: string) => void;
  name?: (value: string) => string;
}

/** One of the folders, tags or types there are; nothing to choose is not shown. */
function Only({ label, all, counts, value, onChange, name = (text) => text }: OnlyProps) {
  const format = useFormat();
  if (counts.length === 0 && !value) return null;
  const options = counts.map((count) => ({ value: count.name, label: `${name(count.name)} (${format.number(count.documents)})` }));
  if (value && !counts.some((count) => count.name === value)) options.push({ value, label: name(value) });
  return <SelectField hideLabel label={label} value={value} options={[{ value: "", label: all }, ...options]} onChange={onChange} className="max-w-48 min-w-0" />;
}

/** Asks before a document goes for good. */
export function RemoveDocument({ document, onClose, onRemoved }: { document: Document; onClose: () => void; onRemoved?: () => void }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const toast = useToast();
  const act = useDocumentAct();
  return (
    <Confirm
      open
      onClose={onClose}
      title={words.removeDocument(document.title)}
      keep={words.keep}
      act={words.removeDocumentAct}
      busy={act.isPending}
      error={act.error}
      onAct={() =>
        act.mutate(
          { document, act: "remove" },
          {
            onSuccess: () => {
              toast(words.documentRemoved(document.title));
              onClose();
              onRemoved?.();
            },
          },
        )
      }
    >
      {words.removeDocumentLead(document.chunks, format.number(document.chunks))}
    </Confirm>
  );
}
