import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Check, CircleOff, Ellipsis, ShieldCheck, ShieldQuestion, Trash2, Unlock } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { asProblem } from "@/api/problem";
import { useSession } from "@/api/query";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/empty";
import { ErrorPanel } from "@/components/ui/error-panel";
import { SelectField, TextField } from "@/components/ui/field";
import { Card, PageBody, PageTitle, Topbar } from "@/components/ui/frame";
import { IconButton } from "@/components/ui/icon-button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { More } from "@/components/ui/more";
import { Note } from "@/components/ui/note";
import { Pill } from "@/components/ui/pill";
import { SkeletonRows } from "@/components/ui/skeleton";
import { Cell, Head, Row, Table } from "@/components/ui/table";
import { useToast } from "@/components/ui/toast";
import { uiWords } from "@/components/ui/words";
import { useFormat } from "@/lib/format";
import { administers } from "@/lib/roles";
import { useWords } from "@/lib/words";
import { type Quarantined, quarantineQuery, type Reason, reasons, type ScannerState, scannerQuery, useDecide, useSetScanner } from "./queries";
import { scanWords } from "./words";

/** The malware scanner and what it found; for administrators. */
export function ScanPage() {
  const words = useWords(scanWords);
  const { person } = useSession();
  useEffect(() => {
    document.title = `${words.title} · ChatETS`;
  }, [words]);
  return (
    <>
      <Topbar>{words.title}</Topbar>
      <PageBody>
        {administers(person) ? <Scan /> : <Empty heading icon={ShieldCheck} title={words.forbidden}>{words.forbiddenLead}</Empty>}
      </PageBody>
    </>
  );
}

function Scan() {
  const words = useWords(scanWords);
  const scanner = useQuery(scannerQuery);
  let card = <SkeletonRows rows={3} />;
  if (scanner.data) card = <Scanner key={`${scanner.data.address} ${scanner.data.unjudged}`} scanner={scanner.data} />;
  else if (scanner.isError) card = <ErrorPanel title={words.failed} error={scanner.error} retry={() => void scanner.refetch()} />;
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} />
      {card}
      <h2 className="mt-8 mb-3 text-l">{words.quarantine}</h2>
      <Quarantine />
    </>
  );
}

function StateOf({ scanner }: { scanner: ScannerState }) {
  const words = useWords(scanWords);
  const word = words.states[scanner.state];
  if (scanner.state === "answers") return <Pill kind="ok" icon={Check}>{word}</Pill>;
  if (scanner.state === "silent") return <Pill kind="bad" icon={ShieldQuestion}>{word}</Pill>;
  return <Pill icon={CircleOff}>{word}</Pill>;
}

function Scanner({ scanner }: { scanner: ScannerState }) {
  const words = useWords(scanWords);
  const format = useFormat();
  const toast = useToast();
  const set = useSetScanner();
  const [address, setAddress] = useState(scanner.address);
  const [unjudged, setUnjudged] = useState(scanner.unjudged);
  const wrong = set.error ? asProblem(set.error).field("value") : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!set.isPending) set.mutate({ address: address.trim(), unjudged }, { onSuccess: () => toast(words.saved) });
  };
  return (
    <Card title={words.scanner} actions={<StateOf scanner={scanner} />}>
      {(scanner.state === "silent" || scanner.waiting > 0) && (
        <Note kind={scanner.state === "silent" ? "bad" : "care"} className="mb-4">
          {scanner.reason} {scanner.waiting > 0 && `${words.waiting(scanner.waiting, format.number(scanner.waiting))}.`} <span className="text-muted">{scanner.cure}</span>
        </Note>
      )}
      <form onSubmit={submit} className="grid max-w-[34rem] gap-4">
        {set.error && !wrong ? <ErrorPanel error={set.error} /> : null}
        <TextField label={words.address} help={words.addressHelp} error={wrong} value={address} autoComplete="off" spellCheck={false} maxLength={300} onChange={(event) => setAddress(event.target.value)} />
        <SelectField
          label={words.unjudged}
          help={words.unjudgedHelp}
          value={unjudged}
          options={(["hold", "read"] as const).map((value) => ({ value, label: words.policies[value] }))}
          onChange={setUnjudged}
        />
        <div><Button type="submit" busy={set.isPending}>{words.save}</Button></div>
      </form>
    </Card>
  );
}

type Act = keyof typeof reasons;

function Quarantine() {
  const words = useWords(scanWords);
  const format = useFormat();
  const list = useInfiniteQuery(quarantineQuery);
  const [open, setOpen] = useState<{ act: Act; caught: Quarantined } | null>(null);
  const items = list.data?.pages.flatMap((page) => page.items);
  if (list.isPending) return <SkeletonRows rows={3} />;
  if (!items) return <ErrorPanel title={words.quarantineFailed} error={list.error} retry={() => void list.refetch()} />;
  if (items.length === 0) return <Empty icon={ShieldCheck} title={words.none}>{words.noneHelp}</Empty>;
  return (
    <>
      <Table
        label={words.quarantine}
        head={
          <>
            <Head>{words.name}</Head>
            <Head>{words.found}</Head>
            <Head className="max-frame:hidden">{words.base}</Head>
            <Head figures className="max-frame:hidden">{words.added}</Head>
            <Head hidden>{words.actions}</Head>
          </>
        }
      >
        {items.map((caught) => (
          <Row key={caught.document.id}>
            <Cell className="max-w-[20rem] whitespace-normal">
              <span className="block break-words">{caught.document.name}</span>
              <span className="block text-xs text-muted">{caught.document.ownerName}, {format.bytes(caught.document.size)}</span>
            </Cell>
            <Cell className="whitespace-normal break-words">{caught.document.finding}</Cell>
            <Cell className="max-frame:hidden">{caught.knowledge}</Cell>
            <Cell figures className="whitespace-nowrap text-muted max-frame:hidden">{format.age(caught.document.createdAt)}</Cell>
            <Cell className="w-px text-end">
              <Menu trigger={<IconButton small icon={Ellipsis} label={words.menuOf(caught.document.name)} />}>
                <MenuItem icon={Unlock} onSelect={() => setOpen({ act: "release", caught })}>{words.release}</MenuItem>
                <MenuItem icon={Trash2} danger onSelect={() => setOpen({ act: "delete", caught })}>{words.delete}</MenuItem>
              </Menu>
            </Cell>
          </Row>
        ))}
      </Table>
      {list.hasNextPage && (
        <More label={words.more} busy={list.isFetchingNextPage} error={list.isFetchNextPageError ? list.error : null} onMore={() => void list.fetchNextPage({ cancelRefetch: false })} />
      )}
      {open && <Decide {...open} onClose={() => setOpen(null)} />}
    </>
  );
}

function Decide({ act, caught: { document }, onClose }: { act: Act; caught: Quarantined; onClose: () => void }) {
  const words = useWords(scanWords);
  const ui = useWords(uiWords);
  const toast = useToast();
  const decide = useDecide();
  const [reason, setReason] = useState<Reason>(reasons[act][0]);
  const [reference, setReference] = useState("");
  const release = act === "release";
  const wrong = decide.error ? asProblem(decide.error).field("reference") : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (decide.isPending) return;
    decide.mutate(
      { id: document.id, act, reason, reference: reference.trim() },
      {
        onSuccess: () => {
          toast(release ? words.released(document.name) : words.deleted(document.name));
          onClose();
        },
      },
    );
  };
  return (
    <Dialog open onClose={onClose} title={release ? words.releaseTitle(document.name) : words.deleteTitle(document.name)} lead={release ? words.releaseLead(document.finding ?? "") : words.deleteLead}>
      <form onSubmit={submit} className="grid gap-4">
        {decide.error && !wrong ? <ErrorPanel error={decide.error} /> : null}
        <SelectField label={words.reason} value={reason} options={reasons[act].map((value) => ({ value, label: words.reasons[value] }))} onChange={setReason} />
        <TextField label={words.reference} help={words.referenceHelp} error={wrong} value={reference} autoComplete="off" maxLength={60} onChange={(event) => setReference(event.target.value)} />
        <DialogActions>
          <Button data-first-focus onClick={onClose}>{ui.cancel}</Button>
          <Button type="submit" kind="danger" busy={decide.isPending}>{release ? words.release : words.delete}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
