import { useQuery } from "@tanstack/react-query";
import { FileBox, Trash2, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { IconButton } from "@/components/ui/icon-button";
import { Note } from "@/components/ui/note";
import { Progress } from "@/components/ui/progress";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useToast } from "@/components/ui/toast";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { ImportDialog } from "./import-dialog";
import { filesQuery, type ModelFile, useRemoveFile } from "./queries";
import type { ModelUpload } from "./use-model-upload";
import { modelWords } from "./words";

/** The model files that were brought to this machine, and the way of one into Ollama. */
export function FilesTab({ upload }: { upload: ModelUpload }) {
  const words = useWords(modelWords);
  const format = useFormat();
  const toast = useToast();
  const files = useQuery(filesQuery);
  const remove = useRemoveFile();
  const [importing, setImporting] = useState<ModelFile | null>(null);
  const [deleting, setDeleting] = useState<ModelFile | null>(null);

  if (files.isPending) return <SkeletonRows rows={3} />;
  if (!files.data) return <ErrorPanel title={words.filesFailed} error={files.error} retry={() => void files.refetch()} />;
  if (!files.data.folder) return <Note>{words.noFolder}</Note>;
  return (
    <>
      <Uploader lead={words.filesLead(files.data.folder)} upload={upload} />
      {files.data.items.length === 0 ? (
        <Empty icon={FileBox} title={words.noFiles}>{words.noFilesLead}</Empty>
      ) : (
        <Table
          label={words.tabs.files}
          head={
            <>
              <Head>{words.file}</Head>
              <Head figures>{words.size}</Head>
              <Head figures className="max-frame:hidden">{words.changedAt}</Head>
              <Head hidden>{words.actions}</Head>
            </>
          }
        >
          {files.data.items.map((file) => (
            <Row key={file.name}>
              <Cell><span className="break-all">{file.name}</span></Cell>
              <Cell figures className="whitespace-nowrap text-muted">{format.bytes(file.size)}</Cell>
              <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">{format.time(file.changedAt)}</Cell>
              <Cell className="w-px">
                <span className="flex items-center justify-end gap-1">
                  <Button small aria-label={`${words.importFile}: ${file.name}`} onClick={() => setImporting(file)}>{words.importFile}</Button>
                  <IconButton small icon={Trash2} label={`${words.deleteFile}: ${file.name}`} onClick={() => {
                    remove.reset();
                    setDeleting(file);
                  }} />
                </span>
              </Cell>
            </Row>
          ))}
        </Table>
      )}
      {importing && <ImportDialog file={importing} onClose={() => setImporting(null)} />}
      {deleting && (
        <Confirm
          open
          onClose={() => setDeleting(null)}
          title={words.deleteFileTitle(deleting.name)}
          keep={words.keep}
          act={words.deleteFileAct}
          busy={remove.isPending}
          error={remove.error}
          onAct={() =>
            remove.mutate(deleting.name, {
              onSuccess: () => {
                toast(words.fileDeleted(deleting.name));
                setDeleting(null);
              },
            })
          }
        >
          {words.deleteFileLead}
        </Confirm>
      )}
    </>
  );
}

/** Takes a file from the browser, and shows how far it is. */
function Uploader({ lead, upload: { sending, running, send, stop } }: { lead: string; upload: ModelUpload }) {
  const words = useWords(modelWords);
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="mb-4">
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 flex-1 basis-60 text-muted">{lead}</p>
        <Button disabled={running} onClick={() => input.current?.click()}><Upload aria-hidden="true" />{words.upload}</Button>
        <input
          ref={input}
          type="file"
          accept=".gguf"
          aria-label={words.upload}
          className="hidden"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file) void send(file);
          }}
        />
      </div>
      {sending && running && (
        <div className="mt-3 flex items-center gap-3 rounded-m bg-sunken px-4 py-3">
          <div className="min-w-0 flex-1">
            <p className="flex justify-between gap-3">
              <span className="truncate">{words.uploading(sending.name)}</span>
              <span className="num flex-none text-s text-muted">{words.of(format.bytes(sending.sent), format.bytes(sending.size))}</span>
            </p>
            <Progress label={words.uploading(sending.name)} done={sending.sent} total={sending.size} className="mt-2" />
          </div>
          <Button small onClick={() => stop()}>{words.stop}</Button>
        </div>
      )}
      {sending?.error ? <div className="mt-3"><ErrorPanel title={words.uploadFailed(sending.name)} error={sending.error} /></div> : null}
    </div>
  );
}
