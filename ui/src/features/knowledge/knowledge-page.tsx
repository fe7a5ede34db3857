import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { BookOpen, Check, Ellipsis, FolderOpen, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { knowledgeListQuery } from "@/api/knowledge";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { More } from "@/components/ui/more";
import { Pill, Tag } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useFormat } from "@/lib/format";
import { useWords } from "@/lib/words";
import { BaseMenu } from "./base-menu";
import { NewBase, RemoveBase, RenameBase } from "./base-dialogs";
import { Indexing } from "./indexing";
import type { Knowledge } from "./queries";
import { knowledgeWords } from "./words";

/** The knowledge bases the person may read. */
export function KnowledgePage() {
  const words = useWords(knowledgeWords);
  const navigate = useNavigate();
  const list = useInfiniteQuery(knowledgeListQuery);
  const [adding, setAdding] = useState(false);
  const [open, setOpen] = useState<{ act: "rename" | "remove"; base: Knowledge }>();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);

  const bases = list.data?.pages.flatMap((page) => page.items);
  const add = (
    <Button kind="primary" onClick={() => setAdding(true)}>
      <Plus aria-hidden="true" />
      {words.newBase}
    </Button>
  );
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        <PageTitle title={words.title} lead={words.lead} actions={bases && bases.length > 0 && add} />
        {list.isPending ? (
          <SkeletonRows rows={4} />
        ) : !bases ? (
          <ErrorPanel title={words.listFailed} error={list.error} retry={() => void list.refetch()} />
        ) : bases.length === 0 ? (
          <Empty icon={BookOpen} title={words.emptyList} action={add}>{words.emptyListHelp}</Empty>
        ) : (
          <>
            <BaseTable bases={bases} onAct={(act, base) => setOpen({ act, base })} />
            {list.hasNextPage && (
              <More label={words.more} busy={list.isFetchingNextPage} error={list.isFetchNextPageError ? list.error : null} onMore={() => void list.fetchNextPage({ cancelRefetch: false })} />
            )}
          </>
        )}
      </PageBody>
      <NewBase
        open={adding}
        onClose={() => setAdding(false)}
        onMade={(base) => void navigate({ to: "/knowledge/$knowledge", params: { knowledge: base.id } })}
      />
      {open?.act === "rename" && <RenameBase base={open.base} onClose={() => setOpen(undefined)} />}
      {open?.act === "remove" && <RemoveBase base={open.base} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function BaseTable({ bases, onAct }: { bases: readonly Knowledge[]; onAct: (act: "rename" | "remove", base: Knowledge) => void }) {
  const words = useWords(knowledgeWords);
  return (
    <Table
      label={words.title}
      head={
        <>
          <Head>{words.name}</Head>
          <Head className="max-frame:hidden">{words.state}</Head>
          <Head className="max-frame:hidden">{words.owner}</Head>
          <Head className="max-frame:hidden">{words.access}</Head>
          <Head figures>{words.documents}</Head>
          <Head figures className="max-frame:hidden">{words.size}</Head>
          <Head figures className="max-frame:hidden">{words.changed}</Head>
          <Head hidden>{words.actions}</Head>
        </>
      }
    >
      {bases.map((base) => (
        <BaseRow key={base.id} base={base} onAct={onAct} />
      ))}
    </Table>
  );
}

function BaseRow({ base, onAct }: { base: Knowledge; onAct: (act: "rename" | "remove", base: Knowledge) => void }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  const { person } = useSession();
  const owner = base.owner === person.id ? words.you : base.ownerName;
  return (
    <Row className="relative">
      <Cell className="max-frame:w-full">
        <span className="flex min-w-0 items-center gap-2.5">
          <BookOpen aria-hidden="true" className="flex-none text-muted" />
          <span className="w-0 min-w-0 flex-1 frame:w-auto frame:max-w-80">
            <Link to="/knowledge/$knowledge" params={{ knowledge: base.id }} title={base.name} className="block truncate text-text no-underline outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus">
              {base.name}
            </Link>
            <span className="block truncate text-xs text-muted frame:hidden">{owner}</span>
          </span>
        </span>
      </Cell>
      <Cell className="max-frame:hidden"><BaseState base={base} /></Cell>
      <Cell className="max-frame:hidden"><span className="block max-w-48 truncate text-muted">{owner}</span></Cell>
      <Cell className="max-frame:hidden"><Tag>{base.right === "edit" ? words.mayEdit : words.mayRead}</Tag></Cell>
      <Cell figures>{format.number(base.documents)}</Cell>
      <Cell figures className="whitespace-nowrap max-frame:hidden">{base.documents > 0 ? format.bytes(base.size) : <span className="text-faint">–</span>}</Cell>
      <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">
        <time dateTime={base.updatedAt} title={format.time(base.updatedAt)}>{format.age(base.updatedAt)}</time>
      </Cell>
      <Cell className="w-px text-end">
        <span className="relative z-1">
          <BaseMenu base={base} trigger={<IconButton small icon={Ellipsis} label={words.menuOf(base.name)} />} onAct={(act) => onAct(act, base)} />
        </span>
      </Cell>
    </Row>
  );
}

function BaseState({ base }: { base: Knowledge }) {
  const words = useWords(knowledgeWords);
  const format = useFormat();
  if (base.working > 0) return <Pill kind="live">{words.working(base.working, format.number(base.working))}</Pill>;
  if (base.indexing) return <Indexing indexing={base.indexing} />;
  if (base.documents === 0) return <Pill icon={FolderOpen}>{words.empty}</Pill>;
  return <Pill kind="ok" icon={Check}>{words.ready}</Pill>;
}
