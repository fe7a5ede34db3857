import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { BookX, ChevronRight, Ellipsis, Eye, Upload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Loading, Skeleton, SkeletonRows } from "@/components/ui/skeleton";
import { TabPanel, Tabs } from "@/components/ui/tabs";
import { type BaseTab, baseTabs } from "@/lib/base-search";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { BaseMenu } from "./base-menu";
import { AccessTab } from "./access-tab";
import { RemoveBase, RenameBase } from "./base-dialogs";
import { DocumentsTab } from "./documents-tab";
import { DropZone } from "./drop-zone";
import { ExplainTab } from "./explain-tab";
import { accept } from "./endings";
import { accessQuery, baseQuery, type Knowledge } from "./queries";
import { Indexing } from "./indexing";
import { IndexTab } from "./index-tab";
import { TestTab } from "./test-tab";
import { UploadCard } from "./upload-card";
import { useUploading } from "./use-uploading";
import { knowledgeWords } from "./words";

/** One knowledge base: its documents, a test of what is found in it, and who may read it. */
export function BasePage() {
  const { knowledge } = useParams({ strict: false });
  return knowledge === undefined ? null : <Base key={knowledge} id={knowledge} />;
}

function Base({ id }: { id: string }) {
  const words = useWords(knowledgeWords);
  const query = useQuery(baseQuery(id));
  const base = query.data;
  useEffect(() => {
    if (base) document.title = `${base.name} · ChatETS`;
  }, [base]);
  if (base) return <BaseContent base={base} />;
  return (
    <>
      <BaseBar name="" />
      <PageBody>
        {query.isPending ? (
          <>
            <Loading className="mb-8 grid gap-3">
              <Skeleton className="h-6 w-60" />
              <Skeleton className="h-3.5 w-96 max-w-full" />
            </Loading>
            <SkeletonRows rows={6} />
          </>
        ) : asProblem(query.error).status === 404 ? (
          <Empty heading icon={BookX} title={words.baseGone} action={<Button asChild><Link to="/knowledge">{words.toList}</Link></Button>}>
            {words.baseGoneHelp}
          </Empty>
        ) : (
          <ErrorPanel title={words.baseFailed} error={query.error} retry={() => void query.refetch()} />
        )}
      </PageBody>
    </>
  );
}

function BaseBar({ name, children }: { name: string; children?: React.ReactNode }) {
  const words = useWords(knowledgeWords);
  return (
    <Topbar actions={children}>
      <nav aria-label={words.path} className="flex min-w-0 items-center gap-1.25">
        <Link to="/knowledge" className="flex-none text-muted no-underline hover:text-text">{words.title}</Link>
        <ChevronRight aria-hidden="true" className="size-3.75 flex-none text-faint rtl:-scale-x-100" />
        <span aria-current="page" className="truncate">{name}</span>
      </nav>
    </Topbar>
  );
}

function BaseContent({ base }: { base: Knowledge }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const navigate = useNavigate();
  const search = useSearch({ strict: false });
  const mayEdit = base.right === "edit";
  const tab: BaseTab = (search.tab === "access" && !base.manages) || (search.tab === "index" && base.right !== "edit") ? "documents" : (search.tab ?? "documents");
  const { list, add } = useUploading(base.id);
  const chooser = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState<"rename" | "remove">();
  const show = (next: BaseTab) =>
    void navigate({ to: "/knowledge/$knowledge", params: { knowledge: base.id }, search: next === "documents" ? {} : { tab: next }, replace: true });
  const choose = () => chooser.current?.click();
  const take = (files: readonly File[]) => {
    if (files.length === 0) return;
    add(files);
    if (tab !== "documents") show("documents");
  };
  const count = words.documentCount(base.documents, format.number(base.documents));
  return (
    <>
      <BaseBar name={base.name}>
        {base.manages && <WhoSees base={base} onOpen={() => show("access")} />}
        <BaseMenu base={base} trigger={<IconButton icon={Ellipsis} label={words.menuOf(base.name)} />} onAct={setOpen} />
      </BaseBar>
      <PageBody>
        <PageTitle
          title={base.name}
          lead={
            <span className="num inline-flex flex-wrap items-center gap-x-3 gap-y-1">
              {base.documents > 0 ? words.leadDocuments(count, format.bytes(base.size)) : words.leadEmpty}
              {base.indexing && <Indexing indexing={base.indexing} />}
            </span>
          }
          actions={mayEdit && base.documents > 0 && (
            <Button kind="primary" onClick={choose}>
              <Upload aria-hidden="true" />
              {words.upload}
            </Button>
          )}
        />
        <Tabs
          label={base.name}
          value={tab}
          onChange={show}
          tabs={baseTabs
            .filter((value) => (base.manages || value !== "access") && (mayEdit || value !== "index"))
            .map((value) => ({ value, label: words.tabs[value], count: value === "documents" ? base.documents : undefined }))}
        >
          <TabPanel value="documents">
            {list.length > 0 && <UploadCard list={list} knowledge={base.id} />}
            <DocumentsTab base={base} onChoose={choose} />
          </TabPanel>
          <TabPanel value="test">{mayEdit ? <ExplainTab base={base} /> : <TestTab base={base} />}</TabPanel>
          {mayEdit && <TabPanel value="index"><IndexTab base={base} /></TabPanel>}
          {base.manages && <TabPanel value="access"><AccessTab base={base} /></TabPanel>}
        </Tabs>
      </PageBody>
      {mayEdit && (
        <>
          <input
            ref={chooser}
            type="file"
            multiple
            hidden
            accept={accept}
            aria-label={words.upload}
            onChange={(event) => {
              take(Array.from(event.target.files ?? []));
              // The same file may be chosen again.
              event.target.value = "";
            }}
          />
          <DropZone name={base.name} onFiles={take} />
        </>
      )}
      {open === "rename" && <RenameBase base={base} onClose={() => setOpen(undefined)} />}
      {open === "remove" && <RemoveBase base={base} onClose={() => setOpen(undefined)} onRemoved={() => void navigate({ to: "/knowledge" })} />}
    </>
  );
}

/** Who else sees this, in a few words; the list itself is one press away. */
function WhoSees({ base, onOpen }: { base: Knowledge; onOpen: () => void }) {
  const words = useWords(knowledgeWords);
  const { data } = useQuery(accessQuery(base.id));
  if (!data) return null;
  const given = data.entries.filter((entry) => entry.right !== "deny");
  const groups = given.filter((entry) => entry.group).length;
  const people = given.filter((entry) => entry.person).length;
  const who = data.entries.some((entry) => entry.workspace)
    ? words.everyone
    : [groups > 0 && words.groups(groups), people > 0 && words.people(people)].filter(Boolean).join(", ") || words.onlyOwner;
  return (
    <Button kind="quiet" small onClick={onOpen} className="max-frame:hidden">
      <Eye aria-hidden="true" />
      {words.whoSees(who)}
    </Button>
  );
}
