import { useInfiniteQuery } from "@tanstack/react-query";
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
import { type Document, documentsQuery, type Knowledge, useDocumentAct } from "./queries";
import { knowledgeWords } from "./words";

/** The states a list is narrowed to; those between waiting and ready are over too soon. */
const states = ["ready", "waiting", "failed", "quarantined"] as const;

/** The documents of a base: found by name, each with its state and what can be done about it. */
export function DocumentsTab({ base, onChoose }: { base: Knowledge; onChoose: () => void }) {
  const words = useWords(knowledgeWords);
  const [typed, setTyped] = useState("");
  const [state, setState] = useState<Document["state"] | "">("");
  const q = useDeferredValue(typed.trim());
  const list = useInfiniteQuery(documentsQuery(base.id, q, state));
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
      {(typed || state || (documents && documents.length > 0)) && (
        <div className="mb-3 flex flex-wrap gap-2">
          <TextField
            hideLabel
            type="search"
            icon={Search}
            label={words.find}
            placeholder={words.find}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            className="min-w-0 flex-1 frame:max-w-72"
          />
          <SelectField
            hideLabel
            label={words.stateFilter}
            value={state}
            options={[{ value: "", label: words.everyState }, ...states.map((value) => ({ value, label: words.states[value] }))]}
            onChange={setState}
          />
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
