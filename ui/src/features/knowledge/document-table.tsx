import { Link } from "@tanstack/react-router";
import { Ban, Download, Ellipsis, FileText, Folder, KeyRound, Lock, RotateCcw, ShieldCheck, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { Tag } from "@/components/ui/pill";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { type DocumentDialog, DocumentDialogs } from "./document-dialogs";
import { DocumentState } from "./document-state";
import { type Document, type DocumentAct, working } from "./queries";
import { isLocked, UnlockDocument } from "./unlock-document";
import { indexWords } from "./index-words";
import { accessWords, knowledgeWords } from "./words";

interface DocumentTableProps {
  documents: readonly Document[];
  mayEdit: boolean;
  onAct: (act: DocumentAct, document: Document) => void;
}

export function DocumentTable({ documents, mayEdit, onAct }: DocumentTableProps) {
  const words = useWords(knowledgeWords);
  return (
    <Table
      label={words.documents}
      head={
        <>
          <Head>{words.name}</Head>
          <Head className="max-frame:hidden">{words.state}</Head>
          <Head figures className="max-frame:hidden">{words.passages}</Head>
          <Head figures className="max-frame:hidden">{words.size}</Head>
          <Head figures className="max-frame:hidden">{words.changed}</Head>
          <Head hidden>{words.actions}</Head>
        </>
      }
    >
      {documents.map((document) => (
        <DocumentRow key={document.id} document={document} mayEdit={mayEdit} onAct={onAct} />
      ))}
    </Table>
  );
}

function DocumentRow({ document, mayEdit, onAct }: { document: Document; mayEdit: boolean; onAct: DocumentTableProps["onAct"] }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const rules = useWords(accessWords);
  const [open, setOpen] = useState<DocumentDialog>();
  const [unlocking, setUnlocking] = useState(false);
  const reads = document.right !== "none";
  const index = useWords(indexWords);
  const locked = isLocked(document);
  const failed = document.state === "failed" && !locked;
  const caught = document.state === "quarantined";
  const state = <DocumentState document={document} />;
  const link = "h-6! px-1! align-baseline text-accent-text! underline! touch:h-10!";
  const told = document.reason ? document : document.renewal;
  const why = told?.reason && (
    <span className="min-w-0 text-s whitespace-normal text-muted">
      {told.reason} {told.cure}{" "}
      {mayEdit && failed && <Button kind="quiet" small className={link} onClick={() => onAct("retry", document)}>{words.retry}</Button>}
      {mayEdit && locked && <Button kind="quiet" small className={link} onClick={() => setUnlocking(true)}>{words.givePassword}</Button>}
    </span>
  );
  return (
    <Row className="relative">
      <Cell className="max-frame:w-full frame:max-w-[26rem]">
        <span className="flex min-w-0 items-center gap-2.5 py-1.5">
          {reads ? <FileText aria-hidden="true" className="flex-none self-start text-muted frame:self-center" /> : <Lock aria-hidden="true" className="flex-none self-start text-muted frame:self-center" />}
          <span className="w-0 min-w-0 flex-1 frame:w-auto">
            {!reads && <span className="block truncate text-muted" title={rules.notYoursHelp}>{document.title}<span className="block text-xs">{rules.notYours}</span></span>}
            {reads && <Link
              to="/documents/$document"
              params={{ document: document.id }}
              title={document.title}
              className="block truncate text-text no-underline outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
            >
              {document.title}
            </Link>}
            <Belonging document={document} />
            <span className="relative z-1 mt-1 grid justify-items-start gap-1 frame:hidden">
              <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
                {state}
                <span className="num text-xs text-muted">{format.bytes(document.size)}, {format.age(document.updatedAt)}</span>
              </span>
              {why}
            </span>
          </span>
        </span>
      </Cell>
      <Cell className="max-frame:hidden">
        <span className="relative z-1 flex items-center gap-2 py-1.5 pointer-events-none [&_button]:pointer-events-auto">
          {state}
          {why}
        </span>
      </Cell>
      <Cell figures className="max-frame:hidden">{document.chunks > 0 ? format.number(document.chunks) : <span className="text-faint">–</span>}</Cell>
      <Cell figures className="whitespace-nowrap max-frame:hidden">{format.bytes(document.size)}</Cell>
      <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">
        <time dateTime={document.updatedAt} title={format.time(document.updatedAt)}>{format.age(document.updatedAt)}</time>
      </Cell>
      <Cell className="w-px text-end">
        <span className="relative z-1">
          {!caught && (reads || document.manages) && <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(document.title)} />}>
            {reads && <MenuItem asChild>
              <a href={`/api/documents/${encodeURIComponent(document.id)}/file`} download={document.name}>
                <Download aria-hidden="true" className="text-muted" />
                <span className="min-w-0 flex-1 truncate">{words.download}</span>
              </a>
            </MenuItem>}
            {reads && mayEdit && <MenuItem icon={Folder} onSelect={() => setOpen("place")}>{rules.place}</MenuItem>}
            {(document.manages || mayEdit) && <MenuItem icon={ShieldCheck} onSelect={() => setOpen("access")}>{rules.access}</MenuItem>}
            {reads && mayEdit && (
              <>
                {locked && <MenuItem icon={KeyRound} onSelect={() => setUnlocking(true)}>{words.givePassword}</MenuItem>}
                {failed && <MenuItem icon={RotateCcw} onSelect={() => onAct("retry", document)}>{words.retry}</MenuItem>}
                {document.state === "ready" && document.renewal?.state !== "waiting" && <MenuItem icon={RotateCcw} onSelect={() => onAct("again", document)}>{index.again}</MenuItem>}
                {document.renewal && <MenuItem icon={Ban} onSelect={() => onAct("stop", document)}>{index.stop}</MenuItem>}
                {working(document) && <MenuItem icon={Ban} onSelect={() => onAct("cancel", document)}>{words.cancel}</MenuItem>}
                <MenuLine />
                <MenuItem icon={Trash2} danger onSelect={() => onAct("remove", document)}>{words.remove}</MenuItem>
              </>
            )}
          </Menu>}
        </span>
        <DocumentDialogs document={document} open={open} onClose={() => setOpen(undefined)} />
        {unlocking && <UnlockDocument document={document} onClose={() => setUnlocking(false)} />}
      </Cell>
    </Row>
  );
}

/** Where a document belongs, under its name. */
function Belonging({ document }: { document: Document }) {
  const rules = useWords(accessWords);
  if (!document.folder && document.tags.length === 0 && !document.restricted) return null;
  return (
    <span className="mt-0.5 flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1 text-xs text-muted">
      {document.restricted && <span className="inline-flex items-center gap-1"><Lock aria-hidden="true" className="size-3.5" />{rules.restricted}</span>}
      {document.folder && <span className="inline-flex min-w-0 items-center gap-1"><Folder aria-hidden="true" className="size-3.5 flex-none" /><span className="truncate" title={document.folder}>{document.folder}</span></span>}
      {document.tags.map((tag) => <Tag key={tag}>{tag}</Tag>)}
    </span>
  );
}
