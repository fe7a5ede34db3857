import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ChevronRight, Download, Ellipsis, FileX, Folder, KeyRound, Lock, RotateCcw, ShieldCheck, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { key } from "@/api/query";
import { hasSlides, isDrawn } from "@/components/document/marks";
import type { Passage } from "@/components/document/blocks";
import { PageText } from "@/components/document/page-text";
import { Viewer } from "@/components/document/viewer";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { Choice } from "@/components/ui/field";
import { Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";
import { Note } from "@/components/ui/note";
import { Pill, Tag } from "@/components/ui/pill";
import { Tooltip } from "@/components/ui/tooltip";
import { useFormat } from "@/lib/format";
import { nameOfLanguage } from "@/lib/language-name";
import { narrow, useMedia } from "@/lib/use-media";
import { useLanguage, useWords } from "@/lib/words";
import { ChunkList } from "./chunk-list";
import { type DocumentDialog, DocumentDialogs } from "./document-dialogs";
import { DocumentState } from "./document-state";
import { RemoveDocument } from "./documents-tab";
import { baseQuery, type Document, documentQuery, useDocumentAct } from "./queries";
import { isLocked, UnlockDocument } from "./unlock-document";
import { accessWords, knowledgeWords } from "./words";

/** One document, to read, opened at the passage the address names. */
export function DocumentPage() {
  const { document } = useParams({ strict: false });
  return document === undefined ? null : <Page key={document} id={document} />;
}

function Page({ id }: { id: string }) {
  const words = useWords(knowledgeWords);
  const { from, to, n } = useSearch({ strict: false });
  const passage = from !== undefined && to !== undefined ? { from, to, number: n } : undefined;
  const query = useQuery(documentQuery(id));
  const document = query.data;
  useFreshText(document);
  useEffect(() => {
    if (document) window.document.title = `${document.title} · ChatETS`;
  }, [document]);

  if (!document && query.isError) {
    return (
      <>
        <Topbar>{words.title}</Topbar>
        <div className="mx-auto w-full max-w-page px-4 pt-2 frame:px-6">
          {asProblem(query.error).status === 404 ? (
            <Empty heading icon={FileX} title={words.documentGone} action={<Button asChild><Link to="/knowledge">{words.toList}</Link></Button>}>
              {words.documentGoneHelp}
            </Empty>
          ) : (
            <ErrorPanel title={words.documentFailed} error={query.error} retry={() => void query.refetch()} />
          )}
        </div>
      </>
    );
  }
  return (
    <>
      {document ? <DocumentBar document={document} /> : <Topbar />}
      {document && <DocumentHead document={document} />}
      {/* What failed has its reason above and no text to show. */}
      {document?.state === "failed" && document.chunks === 0 ? null : document?.state === "ready" ? (
        <Desk document={document} passage={passage} />
      ) : (
        <Viewer large view="page" onView={() => undefined} document={id} passage={passage} className={sheet} />
      )}
    </>
  );
}

const sheet = "px-3 pb-8 [&>*]:mx-auto [&>*]:w-full [&>*]:max-w-[52rem] frame:px-6";

type Pane = "page" | "text" | "passages";

/**
 * A document with what was made of it: on a wide screen its page and its passages or the page's text side by
 * side, on a narrow one each under its name.
 */
function Desk({ document, passage }: { document: Document; passage: Passage | undefined }) {
  const words = useWords(knowledgeWords);
  const tight = useMedia(narrow);
  const { data: base } = useQuery(baseQuery(document.knowledge));
  const printed = isDrawn(document.type) && document.pages > 0;
  const [pane, setPane] = useState<Pane>(printed ? "page" : "text");
  const [beside, setBeside] = useState<"passages" | "text">("passages");
  const [page, setPage] = useState(0);
  const passages = <ChunkList key={printed ? "" : (passage?.from ?? "")} document={document} page={printed ? page : 0} from={passage?.from} mayEdit={base?.right === "edit"} />;
  if (tight) {
    const options: { value: Pane; label: string }[] = [
      ...(printed ? [{ value: "page" as const, label: words.views.page }] : []),
      { value: "text", label: words.views.text },
      { value: "passages", label: words.views.passages },
    ];
    return (
      <>
        <div className="mx-auto w-full max-w-[52rem] flex-none px-3 pb-2.5 frame:px-6">
          <Choice label={words.view} value={pane} options={options} onChange={setPane} />
        </div>
        {pane === "passages" ? (
          <div className="thin-scroll min-h-0 flex-1 overflow-y-auto px-3 pb-8 frame:px-6"><div className="mx-auto max-w-[52rem]">{passages}</div></div>
        ) : (
          <Viewer key={pane} large bare view={pane} onView={setPane} document={document.id} passage={passage} onPage={setPage} className={sheet} />
        )}
      </>
    );
  }
  return (
    <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)_minmax(20rem,27rem)]">
      <div className="flex min-h-0 min-w-0 flex-col">
        <Viewer large bare view={printed ? "page" : "text"} onView={() => setBeside("text")} document={document.id} passage={passage} onPage={setPage} className={sheet} />
      </div>
      <aside aria-label={words.beside} className="thin-scroll min-h-0 overflow-y-auto border-s border-line px-4 pb-8">
        {printed && (
          <div className="pb-3">
            <Choice
              label={words.beside}
              value={beside}
              options={[{ value: "passages", label: words.besides.passages }, { value: "text", label: words.besides.text }]}
              onChange={setBeside}
            />
          </div>
        )}
        {printed && beside === "text" ? <PageText document={document.id} page={page || 1} passage={passage} /> : passages}
      </aside>
    </div>
  );
}

/** When a document becomes ready, the text that was asked for before is asked for again. */
function useFreshText(document: Document | undefined): void {
  const queries = useQueryClient();
  const last = useRef(document?.state);
  useEffect(() => {
    if (document && last.current !== undefined && last.current !== document.state) {
      void queries.invalidateQueries({ queryKey: key("/api/documents/{id}/content", document.id) });
    }
    last.current = document?.state;
  }, [document, queries]);
}

function DocumentBar({ document }: { document: Document }) {
  const words = useWords(knowledgeWords);
  const navigate = useNavigate();
  const { data: base } = useQuery(baseQuery(document.knowledge));
  const rules = useWords(accessWords);
  const [open, setOpen] = useState<DocumentDialog>();
  const [removing, setRemoving] = useState(false);
  return (
    <Topbar
      actions={
        <>
          {document.state !== "quarantined" && <Tooltip text={words.download}>
            <a
              href={`/api/documents/${encodeURIComponent(document.id)}/file`}
              download={document.name}
              aria-label={words.download}
              className="inline-grid size-8 flex-none place-items-center rounded-s text-muted hover:bg-hover hover:text-text touch:size-11"
            >
              <Download aria-hidden="true" />
            </a>
          </Tooltip>}
          {base?.right === "edit" && document.state !== "quarantined" && (
            <Menu trigger={<IconButton icon={Ellipsis} label={words.menuOf(document.title)} />}>
              <MenuItem icon={Folder} onSelect={() => setOpen("place")}>{rules.place}</MenuItem>
              <MenuItem icon={ShieldCheck} onSelect={() => setOpen("access")}>{rules.access}</MenuItem>
              <MenuLine />
              <MenuItem icon={Trash2} danger onSelect={() => setRemoving(true)}>{words.remove}</MenuItem>
            </Menu>
          )}
          <DocumentDialogs document={document} open={open} onClose={() => setOpen(undefined)} />
          {removing && (
            <RemoveDocument
              document={document}
              onClose={() => setRemoving(false)}
              onRemoved={() => void navigate({ to: "/knowledge/$knowledge", params: { knowledge: document.knowledge } })}
            />
          )}
        </>
      }
    >
      <nav aria-label={words.path} className="flex min-w-0 items-center gap-1.25">
        <Link to="/knowledge" className="flex-none text-muted no-underline hover:text-text max-frame:hidden">{words.title}</Link>
        <ChevronRight aria-hidden="true" className="size-3.75 flex-none text-faint max-frame:hidden rtl:-scale-x-100" />
        {base && (
          <>
            <Link to="/knowledge/$knowledge" params={{ knowledge: base.id }} className="min-w-0 truncate text-muted no-underline hover:text-text">{base.name}</Link>
            <ChevronRight aria-hidden="true" className="size-3.75 flex-none text-faint rtl:-scale-x-100" />
          </>
        )}
        <span aria-current="page" className="min-w-16 truncate">{document.title}</span>
      </nav>
    </Topbar>
  );
}

function DocumentHead({ document }: { document: Document }) {
  const words = useWords(knowledgeWords);
  const rules = useWords(accessWords);
  const format = useFormat();
  const language = useLanguage();
  const act = useDocumentAct();
  const [unlocking, setUnlocking] = useState(false);
  const mayEdit = useQuery(baseQuery(document.knowledge)).data?.right === "edit";
  const locked = isLocked(document);
  const facts = [
    document.pages > 0 && (hasSlides(document.type) ? words.slideCount : words.pageCount)(document.pages, format.number(document.pages)),
    document.chunks > 0 && words.passageCount(document.chunks, format.number(document.chunks)),
    document.disabled !== undefined && document.disabled > 0 && words.chunksAreOff(document.disabled, format.number(document.disabled)),
    document.language && nameOfLanguage(language, document.language),
    format.bytes(document.size),
    words.by(document.ownerName),
    format.date(document.createdAt),
    document.folder,
  ].filter(Boolean);
  return (
    <div className="flex-none px-4 pt-2 pb-4 frame:px-6">
      <div className="mx-auto w-full max-w-[52rem] wide:mx-0 wide:max-w-none">
        <h1 className="text-2xl tracking-tight break-words">{document.title}</h1>
        <div className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-muted">
          <DocumentState document={document} />
          <span className="num">{facts.join(", ")}</span>
          {document.tags.map((tag) => <Tag key={tag}>{tag}</Tag>)}
          {document.restricted && <Pill icon={Lock}>{rules.restricted}</Pill>}
        </div>
        {locked && (
          <Note
            kind="care"
            className="mt-3"
            action={mayEdit && <Button small onClick={() => setUnlocking(true)}><KeyRound aria-hidden="true" className="size-4" />{words.givePassword}</Button>}
          >
            {document.reason} <span className="text-muted">{document.cure}</span>
          </Note>
        )}
        {unlocking && <UnlockDocument document={document} onClose={() => setUnlocking(false)} />}
        {(document.state === "quarantined" || document.code === "scan-waiting") && (
          <Note kind={document.state === "quarantined" ? "bad" : "care"} className="mt-3">
            {document.reason} <span className="text-muted">{document.cure}</span>
          </Note>
        )}
        {document.state === "failed" && !locked && (
          <Note
            kind="bad"
            className="mt-3"
            action={mayEdit && <Button small busy={act.isPending} onClick={() => act.mutate({ document, act: "retry" })}><RotateCcw aria-hidden="true" className="size-4" />{words.retry}</Button>}
          >
            {document.reason} <span className="text-muted">{document.cure}</span>
          </Note>
        )}
        {document.note && document.state !== "failed" && <Note className="mt-3">{document.note}</Note>}
        {act.error ? <div className="mt-3"><ErrorPanel title={words.retryFailed} error={act.error} /></div> : null}
      </div>
    </div>
  );
}
